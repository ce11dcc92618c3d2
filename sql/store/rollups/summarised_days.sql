-- Days that are summarised. Grain: one UTC day, ascending.
SELECT day
FROM stored_day
WHERE summarised
ORDER BY day
