-- As for the days.
DELETE FROM pending
WHERE event_time::DATE IN (SELECT day FROM stale)
