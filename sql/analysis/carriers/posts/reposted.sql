-- The reposts of the panel, and by which repost the records say that they came.
-- Needs: record, counted_record, named, node
-- Makes: reposted, way

-- Reposts by who is named, each with the number of its post; their own numbers are behind all of posts.
-- Grain: one repost.
CREATE OR REPLACE TEMP TABLE reposted AS
SELECT
    account, rkey, event_time, number AS post,
    (SELECT count(*) FROM node) + row_number() OVER () - 1 AS number
FROM (
    SELECT record.account, record.rkey, event_time, node.number
    FROM counted_record AS record
    JOIN node ON node.account = record.subject AND node.rkey = record.subject_rkey
    WHERE record.collection = 'repost' AND record.account IN (SELECT account FROM named)
);

-- The repost that led to each, where the record names one. They are looked for among few: a table of all that
-- name one would be large. Grain: one repost.
CREATE OR REPLACE TEMP TABLE way AS
SELECT account, rkey, via, via_rkey
FROM record
SEMI JOIN reposted USING (account, rkey)
WHERE collection = 'repost' AND via IS NOT NULL
