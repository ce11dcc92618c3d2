-- What each account did and received. Grain: one account and UTC day with anything to count. Needs
-- the temp tables `inactive` and `counted`. Follows are global; the rest is of the topic.
SELECT
    account,
    day,
    count(*) FILTER (what = 'post') AS posts,
    count(*) FILTER (what = 'reply') AS replies,
    count(*) FILTER (what = 'repost') AS reposts,
    count(*) FILTER (what = 'reply received') AS replies_received,
    count(*) FILTER (what = 'repost received') AS reposts_received,
    count(*) FILTER (what = 'follow received') AS follows_received
FROM (
    SELECT account, day, kind AS what
    FROM counted
    UNION ALL
    SELECT subject, day, kind || ' received'
    FROM counted
    WHERE subject IS NOT NULL AND subject <> account
    UNION ALL
    SELECT subject, event_time::DATE, 'follow received'
    FROM event
    WHERE kind = 'follow'
        AND subject <> account
        AND event_time >= $start AND event_time < $end
        AND account NOT IN (SELECT account FROM inactive)
)
GROUP BY account, day
