-- Finish the summaries of the days from $start on, before $end, after `summarise_accounts`.
-- Needs: gifts, given_day, agent_day, stored_day
-- Makes: nothing

-- What watched accounts gave. Grain: one day, giver and receiver.
INSERT INTO given_day
FROM gifts($start::TIMESTAMP, $end::TIMESTAMP);

-- Note that the days are summarised, with the numbers of their records.
UPDATE stored_day
SET
    summarised = true,
    corrected = 0,
    records = coalesce((
        SELECT sum(agent_day.records) FROM agent_day WHERE agent_day.day = stored_day.day
    ), 0)
WHERE day >= $start::DATE AND day < $end::DATE;
