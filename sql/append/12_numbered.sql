-- The staged creates, updates and deletes of records, in numbers. Grain: one sighting. Unusual lines
-- come this way, which are few.
CREATE OR REPLACE TEMP TABLE numbered AS
WITH sighting AS (
    FROM staged
    WHERE kind IN ('post', 'repost', 'follow')
), named AS MATERIALIZED (
    -- Of many accounts those few alone, lest all of them are made ready to be looked up.
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
LEFT JOIN batch_key AS root_key ON root_key.rkey = sighting.root_rkey
