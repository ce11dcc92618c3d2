-- Stored events by day and kind. Grain: one UTC day, ascending.
SELECT
    event_time::DATE AS day,
    count(*) FILTER (kind = 'post') AS posts,
    count(*) FILTER (kind = 'reply') AS replies,
    count(*) FILTER (kind = 'repost') AS reposts,
    count(*) FILTER (kind = 'follow') AS follows,
    count(DISTINCT account) AS accounts
FROM event
GROUP BY ALL
ORDER BY day
