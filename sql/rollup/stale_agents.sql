-- As for the days.
DELETE FROM agent_day
WHERE day IN (SELECT day FROM stale)
