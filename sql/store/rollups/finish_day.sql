-- Finish the summary of one day, after `summarise_accounts`.
-- Needs: gifts, given_day, agent_day, stored_day
-- Makes: nothing

-- What watched accounts gave. Grain: one giver and receiver.
INSERT INTO given_day
FROM gifts($day::TIMESTAMP, $day::TIMESTAMP + INTERVAL 1 DAY);

-- Note that the day is summarised, with the number of its records.
UPDATE stored_day
SET
    summarised = true,
    corrected = 0,
    records = (SELECT coalesce(sum(records), 0) FROM agent_day WHERE day = $day)
WHERE day = $day;
