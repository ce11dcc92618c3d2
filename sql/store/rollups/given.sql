-- What the accounts in the temp table `giver` gave to others in a stretch of time, of the shape of
-- given_day. Grain: one day, giver and receiver.
CREATE OR REPLACE TEMP MACRO given(since, until) AS TABLE
SELECT
    event_time::DATE AS day,
    account,
    subject,
    count(*) FILTER (collection = 'post')::INTEGER AS replies,
    count(*) FILTER (collection = 'repost')::INTEGER AS reposts,
    count(*) FILTER (collection = 'follow')::INTEGER AS follows
FROM record
WHERE NOT removed AND subject <> account AND event_time >= since AND event_time < until
    AND account IN (SELECT account FROM giver)
GROUP BY ALL
