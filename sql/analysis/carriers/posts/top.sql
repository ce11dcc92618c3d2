-- The records with the largest values. Grain: one record, by descending value. What is reposted and is
-- no post has no key here, and nothing to show.
-- Needs the temp tables `record_value` and `named`.
SELECT
    did,
    collection::VARCHAR AS collection,
    rkey,
    written,
    replies_received,
    reposts_received,
    quotes_received,
    value_own,
    value_received,
    value_own + value_received AS "value"
FROM record_value
JOIN named USING (account)
WHERE rkey IS NOT NULL
ORDER BY "value" DESC, did, record_value.collection::VARCHAR, rkey
LIMIT $most
