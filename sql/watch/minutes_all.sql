-- How many accounts wrote something in each minute, and how many posts and replies there were. Grain: one minute with
-- a record, by its number since 1970. In: $since, $end; $participants, without which they are 0. Needs the temp
-- table `inactive`.
SELECT
    epoch_us(event_time) // 60000000 AS minute,
    count(DISTINCT CASE WHEN $participants THEN account END) AS participants,
    count(*) FILTER (collection = 'post') AS posts
FROM record
WHERE NOT removed AND NOT is_repeat AND event_time >= $since AND event_time < $end
    AND collection IN ('post', 'repost')
    AND account NOT IN (SELECT account FROM inactive)
GROUP BY ALL
