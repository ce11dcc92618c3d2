-- Stretches of time that the sources cover, overlapping ones as they are. Grain: one source,
-- ascending by start.
SELECT first_event, last_event
FROM source
WHERE first_event IS NOT NULL AND kind <> 'plc'
ORDER BY first_event, last_event
