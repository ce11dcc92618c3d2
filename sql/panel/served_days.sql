-- Summarised days whose records all lie in the window: between two of them, every summarised day is
-- one. Grain: one UTC day, ascending.
SELECT day
FROM stored_day
WHERE summarised AND first_event >= $start AND last_event < $end
ORDER BY day
