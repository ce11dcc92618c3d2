-- What accounts did and received in a stretch of time, of the shape of agent_day. Grain: one day
-- and account.
CREATE OR REPLACE TEMP MACRO summarised(since, until) AS TABLE
SELECT
    day,
    account,
    coalesce(records, 0)::INTEGER AS records,
    coalesce(posts, 0)::INTEGER AS posts,
    coalesce(replies, 0)::INTEGER AS replies,
    coalesce(reposts, 0)::INTEGER AS reposts,
    coalesce(replies_received, 0)::INTEGER AS replies_received,
    coalesce(reposts_received, 0)::INTEGER AS reposts_received,
    coalesce(follows_received, 0)::INTEGER AS follows_received
FROM (
    SELECT
        event_time::DATE AS day,
        account,
        count(*) AS records,
        count(*) FILTER (collection = 'post' AND subject IS NULL) AS posts,
        count(*) FILTER (collection = 'post' AND subject IS NOT NULL) AS replies,
        count(*) FILTER (collection = 'repost') AS reposts
    FROM record
    WHERE NOT removed AND event_time >= since AND event_time < until
    GROUP BY ALL
)
FULL JOIN (
    SELECT
        event_time::DATE AS day,
        subject AS account,
        count(*) FILTER (collection = 'post') AS replies_received,
        count(*) FILTER (collection = 'repost') AS reposts_received,
        count(*) FILTER (collection = 'follow') AS follows_received
    FROM record
    WHERE NOT removed AND subject <> account AND event_time >= since AND event_time < until
    GROUP BY ALL
) USING (day, account)
