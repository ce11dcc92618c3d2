-- Fold the sightings of a commit within itself, to one version of each record.
-- Needs: staged, coded, batch_account, batch_key
-- Makes: numbered, version, met, folded, batch

-- The staged creates, updates and deletes of records, in numbers. Grain: one sighting. Unusual lines
-- come this way, which are few.
CREATE OR REPLACE TEMP TABLE numbered AS
WITH sighting AS (
    FROM staged
    WHERE kind IN ('post', 'repost', 'follow')
), named AS MATERIALIZED (
    -- Only the accounts that occur here: the engine would prepare all of them for the join.
    FROM batch_account
    SEMI JOIN (
        SELECT did FROM sighting
        UNION SELECT subject_did FROM sighting
        UNION SELECT root_did FROM sighting
    ) USING (did)
)
SELECT
    kind::collection AS collection,
    author.id AS account,
    CASE WHEN own.id IS NULL THEN tid_number(sighting.rkey)::BIGINT ELSE own.id END AS rkey,
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
FROM sighting
JOIN named AS author USING (did)
LEFT JOIN named AS subject ON subject.did = sighting.subject_did
LEFT JOIN named AS root ON root.did = sighting.root_did
LEFT JOIN batch_key AS own ON own.rkey = sighting.rkey
LEFT JOIN batch_key AS subject_key ON subject_key.rkey = sighting.subject_rkey
LEFT JOIN batch_key AS root_key ON root_key.rkey = sighting.root_rkey;

-- Every waiting create, update and delete of a record. Grain: one sighting. `repeated` says whether
-- `coded` has another of the same record.
CREATE OR REPLACE TEMP VIEW version AS
SELECT
    CASE collection
        WHEN 0 THEN 'post'::collection
        WHEN 1 THEN 'repost'::collection
        ELSE 'follow'::collection
    END AS collection,
    * EXCLUDE (collection)
FROM coded
UNION ALL BY NAME
SELECT false AS repeated, *
FROM numbered;

-- Records of which `numbered` has a sighting that is not the only one. Grain: one record.
CREATE OR REPLACE TEMP TABLE met AS
SELECT account, collection, rkey
FROM (
    FROM version
    SEMI JOIN numbered USING (account, collection, rkey)
)
GROUP BY ALL
HAVING count(*) > 1;

-- Records of which more than one sighting waits, folded. Grain: one record. The version of the
-- highest rev wins, of two with the same the delete, so that order and repeats make no difference;
-- the time is that of the first sighting that was not a delete.
CREATE OR REPLACE TEMP TABLE folded AS
SELECT
    collection,
    account,
    rkey,
    unnest(arg_max(
        {
            rev: rev, removed: removed, subject: subject, subject_rkey: subject_rkey, root: root,
            root_rkey: root_rkey, text: text, tags: tags, title: title
        },
        {rev: rev, removed: removed}
    )),
    min(event_time) FILTER (NOT removed) AS event_time
FROM (
    FROM version
    WHERE repeated IS true
    UNION ALL
    FROM version
    SEMI JOIN met USING (account, collection, rkey)
    WHERE repeated IS NOT true
)
GROUP BY collection, account, rkey;

-- The batch, folded within itself. Grain: one record.
CREATE OR REPLACE TEMP VIEW batch AS
SELECT * EXCLUDE (repeated) REPLACE (CASE WHEN NOT removed THEN event_time END AS event_time)
FROM version
ANTI JOIN met USING (account, collection, rkey)
WHERE repeated IS NOT true
UNION ALL BY NAME
FROM folded;
