-- The records with the largest values. Grain: one record, by descending value. What is reposted and is
-- no post has no key here, and nothing to show. Keys that are no TIDs are in the order of their letters, not in that in
-- which they came.
-- Needs record_key, and the temp tables `record_value` and `named`.
SELECT
    did,
    collection::VARCHAR AS collection,
    record_value.rkey,
    written,
    replies_received,
    reposts_received,
    quotes_received,
    value_own,
    value_received,
    value_own + value_received AS "value"
FROM record_value
JOIN named USING (account)
LEFT JOIN record_key ON record_key.id = record_value.rkey
WHERE record_value.rkey IS NOT NULL
ORDER BY
    "value" DESC, did, record_value.collection::VARCHAR, record_key.rkey NULLS FIRST, record_value.rkey
LIMIT $most
