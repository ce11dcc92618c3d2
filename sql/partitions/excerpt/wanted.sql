-- Records that are asked for by their keys. In: `given`, with collection, did, rkey and rkey_text. Grain: one record.
-- Needs: given, account, record_key
-- Makes: wanted
CREATE OR REPLACE TEMP TABLE wanted AS
SELECT DISTINCT
    given.collection::collection AS collection,
    account.id AS account,
    coalesce(record_key.id, given.rkey) AS rkey
FROM given
JOIN account USING (did)
LEFT JOIN record_key ON record_key.rkey = given.rkey_text
WHERE given.rkey_text IS NULL OR record_key.id IS NOT NULL
