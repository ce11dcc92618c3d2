-- The post of a number, with what it is worth to its author. One row.
-- Needs: account, and the temp tables `node` and `record_value`.
SELECT
    did,
    'post' AS collection,
    node.rkey,
    coalesce(written, 0) AS written,
    coalesce(replies_received, 0) AS replies_received,
    coalesce(reposts_received, 0) AS reposts_received,
    coalesce(quotes_received, 0) AS quotes_received,
    coalesce(value_own, 0) AS value_own,
    coalesce(value_received, 0) AS value_received,
    coalesce(value_own + value_received, 0) AS "value"
FROM node
JOIN account ON id = node.account
LEFT JOIN record_value
    ON record_value.account = node.account
    AND record_value.rkey = node.rkey
    AND record_value.collection = 'post'
WHERE number = $number
