-- Note that a day is summarised.
UPDATE stored_day
SET
    summarised = true,
    corrected = 0,
    records = (SELECT coalesce(sum(records), 0) FROM agent_day WHERE day = $day)
WHERE day = $day
