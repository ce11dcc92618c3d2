-- What one source covers. Grain: one span, in the order it was read.
SELECT first_event, last_event, gap
FROM span
WHERE source = $name
ORDER BY rowid
