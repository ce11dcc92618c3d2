-- Who answered, reposted or quoted whom in the window, as c counts it: 1 reply, 2 repost, 3 quote. Grain:
-- one reply, repost or quote, in no order. Needs the temp table `inactive`.
WITH
    counted AS (
        SELECT collection, account, subject, quoted, epoch_us(event_time)::BIGINT AS "time"
        FROM record
        WHERE NOT removed AND NOT is_repeat AND collection IN ('post', 'repost')
            AND event_time >= $start AND event_time < $end
            AND account NOT IN (SELECT account FROM inactive)
    )
SELECT
    account,
    subject,
    CASE collection WHEN 'post' THEN 1::UTINYINT ELSE 2::UTINYINT END AS code,
    "time"
FROM counted
WHERE subject <> account
UNION ALL
SELECT account, quoted, 3::UTINYINT, "time"
FROM counted
WHERE quoted <> account
