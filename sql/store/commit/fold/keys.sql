-- Number the record keys of a commit that are no TIDs.
-- Needs: staged, record_key
-- Makes: batch_key

-- The record keys among the staged rows that are no TIDs, with their numbers. Grain: one key.
CREATE OR REPLACE TEMP TABLE batch_key AS
WITH named AS MATERIALIZED (
    SELECT rkey, known.id
    FROM (
        SELECT rkey FROM staged WHERE kind IN ('post', 'repost', 'follow')
        UNION SELECT subject_rkey FROM staged
        UNION SELECT root_rkey FROM staged
        UNION SELECT other_rkey FROM staged
    )
    LEFT JOIN record_key AS known USING (rkey)
    WHERE NOT regexp_full_match(rkey, '[234567ab][2-7a-z]{12}')
)
SELECT rkey, id, false AS is_new
FROM named
WHERE id IS NOT NULL
UNION ALL
SELECT
    rkey,
    (SELECT coalesce(min(id), 0) FROM record_key) - row_number() OVER (ORDER BY rkey),
    true
FROM named
WHERE id IS NULL;

-- Write down the record keys that are new.
INSERT INTO record_key
SELECT id, rkey
FROM batch_key
WHERE is_new;
