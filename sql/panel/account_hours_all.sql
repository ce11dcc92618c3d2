-- What each account wrote in each hour. Grain: one account and UTC hour with a record. Needs the temp
-- table `inactive`.
SELECT
    date_trunc('hour', event_time)::TIMESTAMP AS hour,
    account,
    count(*) AS records
FROM record
WHERE NOT removed AND NOT is_repeat AND event_time >= $start AND event_time < $end
    AND collection IN ('post', 'repost')
    AND account NOT IN (SELECT account FROM inactive)
GROUP BY ALL
