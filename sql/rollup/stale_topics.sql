-- As for the days.
DELETE FROM topic_event
WHERE event_time::DATE IN (SELECT day FROM stale)
