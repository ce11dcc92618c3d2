-- What accounts link to in a window: how many of their posts and replies have a link to each host. Grain:
-- one account and host. In: $start, $end.
SELECT account, host AS "group", count(*)::UBIGINT AS posts
FROM (
    SELECT account, unnest(domains) AS host
    FROM record
    WHERE collection = 'post' AND NOT removed AND domains IS NOT NULL
        AND event_time >= $start AND event_time < $end
)
GROUP BY account, host
