-- The staged creates, updates and deletes of records, in numbers. Grain: one sighting. Unusual lines
-- come this way, which are few.
CREATE OR REPLACE TEMP TABLE numbered AS
SELECT
    kind::collection AS collection,
    author.id AS account,
    CASE WHEN own.id IS NULL THEN tid_number(staged.rkey)::BIGINT ELSE own.id END AS rkey,
    tid_number(rev) AS rev,
    operation = 'delete' AS removed,
    event_time,
    subject.id AS subject,
    CASE WHEN subject_key.id IS NULL THEN tid_number(subject_rkey)::BIGINT ELSE subject_key.id END
        AS subject_rkey,
    root.id AS root,
    CASE WHEN root_key.id IS NULL THEN tid_number(root_rkey)::BIGINT ELSE root_key.id END
        AS root_rkey,
    text,
    tags,
    title
FROM staged
JOIN batch_account AS author USING (did)
LEFT JOIN batch_account AS subject ON subject.did = staged.subject_did
LEFT JOIN batch_account AS root ON root.did = staged.root_did
LEFT JOIN batch_key AS own ON own.rkey = staged.rkey
LEFT JOIN batch_key AS subject_key ON subject_key.rkey = staged.subject_rkey
LEFT JOIN batch_key AS root_key ON root_key.rkey = staged.root_rkey
WHERE kind IN ('post', 'repost', 'follow')
