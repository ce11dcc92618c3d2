-- As for the days.
DELETE FROM given_day
WHERE day IN (SELECT day FROM stale)
