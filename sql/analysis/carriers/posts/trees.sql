-- Which posts are answered or reposted by records of the panel, and which answer one: numbered in an
-- order that does not depend on when they were ingested. Grain: one post.
-- Needs: account, record_key, counted_record, named
-- Makes: node

CREATE OR REPLACE TEMP TABLE node AS
WITH
    edge AS (
        SELECT collection, account, rkey, subject, subject_rkey
        FROM counted_record
        WHERE subject_rkey IS NOT NULL AND account IN (SELECT account FROM named)
    ),
    post AS (
        SELECT account, rkey FROM edge WHERE collection = 'post'
        UNION
        SELECT subject, subject_rkey FROM edge
    )
SELECT
    account,
    post.rkey,
    row_number() OVER (ORDER BY did, record_key.rkey NULLS FIRST, post.rkey) - 1 AS number
FROM post
JOIN account ON id = account
LEFT JOIN record_key ON record_key.id = post.rkey
