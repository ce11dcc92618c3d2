-- How often the records of named accounts count, and how often others answered or reposted them, by
-- the hour of the record itself or of the answer or repost. Grain: one record and hour, ascending.
-- Needs `counted_part`, and the temp table `named`.
SELECT
    did,
    collection::VARCHAR AS collection,
    rkey,
    date_trunc('hour', event_time) AS hour,
    sum(written)::BIGINT AS written,
    sum(replies_received)::BIGINT AS replies_received,
    sum(reposts_received)::BIGINT AS reposts_received
FROM counted_part
JOIN named USING (account)
GROUP BY ALL
ORDER BY ALL
