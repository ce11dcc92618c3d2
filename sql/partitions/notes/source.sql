-- What was read, and how far. Grain: one source, by name. Times are text.
SELECT * REPLACE (first_event::VARCHAR AS first_event, last_event::VARCHAR AS last_event)
FROM source
ORDER BY name
