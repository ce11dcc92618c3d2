-- Records of a window whose time is not a server's own, by where it is from. Grain: one kind of time.
-- In: $start, $end. Where all times are a server's, little of the table is read.
SELECT time_from::VARCHAR AS time_from, count(*) AS records
FROM record
WHERE time_from > 'server'::time_from AND NOT removed AND event_time >= $start AND event_time < $end
GROUP BY record.time_from
ORDER BY record.time_from
