-- Uninterrupted stretches of sources, those of one in the order in which it was read. Grain: one stretch. Times
-- are text.
SELECT * REPLACE (first_event::VARCHAR AS first_event, last_event::VARCHAR AS last_event)
FROM span
ORDER BY source, rowid
