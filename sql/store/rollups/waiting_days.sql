-- Days that are over, by the calendar or because a later one has begun, and not summarised, with how many
-- records they have. Grain: one UTC day, ascending.
SELECT
    day,
    (
        SELECT coalesce(sum(rows), 0)::BIGINT
        FROM row_sum
        WHERE name = 'record' AND row_sum.day = stored_day.day
    ) AS records
FROM stored_day
WHERE NOT summarised AND day < greatest($today, (SELECT max(day) FROM stored_day))
ORDER BY day
