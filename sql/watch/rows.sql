-- The records of a stretch of time in numbers, as sql/store/rollups/codes.sql has those of a day, each with its
-- time in microseconds. Grain: one record, and one quote. In: $start, $end.
SELECT
    epoch_us(event_time) AS time,
    account,
    CASE WHEN subject IS NULL OR is_repeat THEN account ELSE subject END AS subject,
    CASE
        WHEN collection = 'post' THEN CASE WHEN subject IS NULL THEN 0::UTINYINT ELSE 1::UTINYINT END
        WHEN collection = 'repost' AND NOT is_repeat THEN 2::UTINYINT
        ELSE 3::UTINYINT
    END AS code
FROM record
WHERE NOT removed AND event_time >= $start AND event_time < $end
UNION ALL
SELECT epoch_us(event_time), account, quoted, 4::UTINYINT
FROM record
WHERE NOT removed AND quoted IS NOT NULL AND event_time >= $start AND event_time < $end
