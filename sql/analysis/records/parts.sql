-- How often the records of named accounts count, and how often others answered or reposted them, by
-- the hour of the record itself or of the answer or repost. Grain: one record and hour, ascending.
-- Needs the temp tables `counted_record` and `named`.
SELECT
    did,
    collection,
    rkey,
    hour,
    sum(written)::BIGINT AS written,
    sum(replies_received)::BIGINT AS replies_received,
    sum(reposts_received)::BIGINT AS reposts_received
FROM (
    SELECT
        account,
        collection::VARCHAR AS collection,
        rkey,
        date_trunc('hour', event_time) AS hour,
        1 AS written,
        0 AS replies_received,
        0 AS reposts_received
    FROM counted_record
    UNION ALL
    -- Only posts are answered and reposted.
    SELECT
        subject, 'post', subject_rkey, date_trunc('hour', event_time),
        0, (collection = 'post')::INTEGER, (collection = 'repost')::INTEGER
    FROM counted_record
    WHERE subject <> account
)
JOIN named USING (account)
GROUP BY did, collection, rkey, hour
ORDER BY did, collection, rkey, hour
