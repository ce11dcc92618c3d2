-- How many records a window has. In: $start, $end. One row.
SELECT count(*) AS records
FROM record
WHERE NOT removed AND event_time >= $start AND event_time < $end
