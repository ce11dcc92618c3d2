-- Fold the waiting creates, updates and deletes into records. Grain: one record.
-- The version of the highest rev wins, in the batch and against the store, so order and repeats
-- make no difference; the time is that of the first sighting that was not a delete. What an
-- account wrote before it was deleted keeps no text, whenever it arrives.
MERGE INTO record AS old
USING (
    SELECT
        folded.collection,
        author.id AS account,
        folded.rkey,
        folded.version.rev AS rev,
        folded.version.removed AS removed,
        folded.first_seen,
        subject.id AS subject,
        folded.version.subject_rkey AS subject_rkey,
        root.id AS root,
        folded.version.root_rkey AS root_rkey,
        folded.version.text AS text,
        folded.version.tags AS tags,
        folded.version.title AS title,
        departed.deleted_at
    FROM (
        SELECT
            did,
            kind::collection AS collection,
            rkey,
            arg_max(
                {
                    rev: rev, removed: operation = 'delete', subject_did: subject_did,
                    subject_rkey: subject_rkey, root_did: root_did, root_rkey: root_rkey,
                    text: text, tags: tags, title: title
                },
                rev || (operation = 'delete')::INTEGER
            ) AS version,
            min(event_time) FILTER (operation <> 'delete') AS first_seen
        FROM staged
        WHERE kind IN ('post', 'repost', 'follow')
        GROUP BY ALL
    ) AS folded
    JOIN batch_account AS author ON author.did = folded.did
    LEFT JOIN batch_account AS subject ON subject.did = folded.version.subject_did
    LEFT JOIN batch_account AS root ON root.did = folded.version.root_did
    LEFT JOIN (
        SELECT account, max(event_time) AS deleted_at
        FROM account_status
        WHERE status = 'deleted'
        GROUP BY account
    ) AS departed ON departed.account = author.id
) AS new
ON old.account = new.account AND old.collection = new.collection AND old.rkey = new.rkey
WHEN MATCHED AND (new.rev > old.rev OR new.rev = old.rev AND new.removed > old.removed)
THEN UPDATE SET
    rev = new.rev,
    removed = new.removed,
    event_time = least(old.event_time, new.first_seen),
    subject = new.subject,
    subject_rkey = new.subject_rkey,
    root = new.root,
    root_rkey = new.root_rkey,
    text = CASE WHEN least(old.event_time, new.first_seen) > new.deleted_at IS NOT FALSE
        THEN new.text END,
    tags = CASE WHEN least(old.event_time, new.first_seen) > new.deleted_at IS NOT FALSE
        THEN new.tags END,
    title = CASE WHEN least(old.event_time, new.first_seen) > new.deleted_at IS NOT FALSE
        THEN new.title END
WHEN MATCHED AND new.first_seen < coalesce(old.event_time, 'infinity'::TIMESTAMP)
THEN UPDATE SET
    event_time = new.first_seen,
    text = CASE WHEN new.first_seen > new.deleted_at IS NOT FALSE THEN old.text END,
    tags = CASE WHEN new.first_seen > new.deleted_at IS NOT FALSE THEN old.tags END,
    title = CASE WHEN new.first_seen > new.deleted_at IS NOT FALSE THEN old.title END
WHEN NOT MATCHED THEN INSERT VALUES (
    new.collection, new.account, new.rkey, new.rev, new.removed, new.first_seen,
    new.subject, new.subject_rkey, new.root, new.root_rkey,
    CASE WHEN new.first_seen > new.deleted_at IS NOT FALSE THEN new.text END,
    CASE WHEN new.first_seen > new.deleted_at IS NOT FALSE THEN new.tags END,
    CASE WHEN new.first_seen > new.deleted_at IS NOT FALSE THEN new.title END
)
