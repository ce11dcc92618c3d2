-- Summarised days whose records all lie in the window. Grain: one UTC day.
CREATE OR REPLACE TEMP TABLE served AS
SELECT day
FROM stored_day
WHERE summarised AND first_event >= $start AND last_event < $end
