-- As for the days.
DELETE FROM touched
WHERE day IN (SELECT day FROM stale)
