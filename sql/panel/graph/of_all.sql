-- Who answered or reposted whom in the window, as c counts it: 1 reply, 2 repost. Grain: one record, in
-- no order. Needs the temp table `inactive`.
SELECT
    account,
    subject,
    CASE collection WHEN 'post' THEN 1::UTINYINT ELSE 2::UTINYINT END AS code,
    epoch_us(event_time)::BIGINT AS "time"
FROM record
WHERE NOT removed AND NOT is_repeat AND collection IN ('post', 'repost') AND subject <> account
    AND event_time >= $start AND event_time < $end
    AND account NOT IN (SELECT account FROM inactive)
