-- Stretches of time that the sources cover, overlapping ones as they are, and why the time before
-- each was not seen, where its source knows. Grain: one span, ascending by start.
SELECT first_event, last_event, gap
FROM span
WHERE first_event IS NOT NULL
ORDER BY first_event, last_event
