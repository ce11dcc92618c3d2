-- How many records a store has of a UTC day and later ones, deleted ones too. One row. In: $day.
SELECT coalesce(sum(rows), 0)::BIGINT AS records
FROM row_sum
WHERE name = 'record' AND day >= $day
