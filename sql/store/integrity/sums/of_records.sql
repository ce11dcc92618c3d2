-- Sum the hashes of the rows of the table of records. Grain: one UTC day.
SELECT 'record' AS name, event_time::DATE AS day, count(*) AS rows, sum(hash(*COLUMNS(*))) AS total
FROM record
GROUP BY day
ORDER BY day
