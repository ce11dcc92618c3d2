-- Matches of a topic that other buckets of the same partitions have, as far as this one names their authors. In:
-- `elsewhere`. Grain: one post.
-- Needs: elsewhere, account, record_key
-- Makes: match_elsewhere

CREATE OR REPLACE TEMP TABLE match_elsewhere AS
SELECT account.id AS account, coalesce(record_key.id, elsewhere.rkey) AS rkey
FROM elsewhere
JOIN account USING (did)
LEFT JOIN record_key ON record_key.rkey = elsewhere.rkey_text
WHERE rkey_text IS NULL OR record_key.id IS NOT NULL
