-- Days that are over, by the calendar or because a later one has begun, and not summarised.
-- Grain: one UTC day, ascending.
SELECT day
FROM stored_day
WHERE NOT summarised AND day < greatest($today, (SELECT max(day) FROM stored_day))
ORDER BY day
