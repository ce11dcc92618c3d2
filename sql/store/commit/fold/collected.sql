-- Note what was searched for, what the network counts of posts, and how far their interactions were asked
-- for, in the same transaction as the records that came of it.
-- Needs: noted_search, noted_count, noted_closure, account, record_key, searched, network_count, closure
-- Makes: counted_post, closing_post

-- A slice that is asked again replaces what was noted of it.
DELETE FROM searched
WHERE (source, query, since, until) IN (SELECT (source, query, since, until) FROM noted_search);

-- Grain: one source, query and slice.
INSERT INTO searched BY NAME
FROM noted_search;

-- Posts that are not of forgotten accounts, by numbers. Grain: one post.
CREATE OR REPLACE TEMP TABLE counted_post AS
SELECT
    account.id AS account,
    CASE WHEN record_key.id IS NULL THEN tid_number(noted_count.rkey)::BIGINT ELSE record_key.id END AS rkey,
    noted_count.* EXCLUDE (did, rkey)
FROM noted_count
JOIN account USING (did)
LEFT JOIN record_key ON record_key.rkey = noted_count.rkey;

DELETE FROM network_count
WHERE (account, rkey) IN (SELECT (account, rkey) FROM counted_post);

INSERT INTO network_count BY NAME
FROM counted_post;

-- Grain: one post and step.
CREATE OR REPLACE TEMP TABLE closing_post AS
SELECT
    account.id AS account,
    CASE WHEN record_key.id IS NULL THEN tid_number(noted_closure.rkey)::BIGINT ELSE record_key.id END
        AS rkey,
    step,
    cursor
FROM noted_closure
JOIN account USING (did)
LEFT JOIN record_key ON record_key.rkey = noted_closure.rkey;

DELETE FROM closure
WHERE (account, rkey, step) IN (SELECT (account, rkey, step) FROM closing_post);

INSERT INTO closure BY NAME
FROM closing_post;
