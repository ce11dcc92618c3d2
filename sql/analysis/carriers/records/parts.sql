-- How often the records of named accounts count, and how often others answered, reposted or quoted them,
-- by the hour of the record itself or of what it received; $influence has what counts. Grain: one record and hour, ascending.
-- Needs `counted_part`, and the temp table `named`.
SELECT
    did,
    collection::VARCHAR AS collection,
    rkey,
    date_trunc('hour', event_time) AS hour,
    sum(written)::BIGINT AS written,
    sum(replies_received)::BIGINT AS replies_received,
    sum(reposts_received)::BIGINT AS reposts_received,
    sum(quotes_received)::BIGINT AS quotes_received
FROM counted_part($influence)
JOIN named USING (account)
GROUP BY ALL
ORDER BY ALL
