-- When the next record of a stretch of time is; null where it has none. Grain: one row. In: $start, $end.
SELECT epoch_us(min(event_time)) AS time
FROM record
WHERE event_time >= $start AND event_time < $end
