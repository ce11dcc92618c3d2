-- The records of a day in numbers: who wrote to whom, and what (0 post, 1 reply, 2 repost, 3
-- follow). Grain: one record. A post is to its author.
SELECT
    account,
    coalesce(subject, account) AS subject,
    CASE collection
        WHEN 'post' THEN CASE WHEN subject IS NULL THEN 0::UTINYINT ELSE 1::UTINYINT END
        WHEN 'repost' THEN 2::UTINYINT
        ELSE 3::UTINYINT
    END AS code
FROM record
WHERE NOT removed
    AND event_time >= $day::TIMESTAMP AND event_time < $day::TIMESTAMP + INTERVAL 1 DAY
