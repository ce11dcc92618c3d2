-- When the first and last stored event happened, none after $until counting. One row; NULL for an empty
-- store. By order, for which the engine reads the ends of the table only.
SELECT
    (SELECT event_time FROM event ORDER BY event_time LIMIT 1) AS first_event,
    (SELECT event_time FROM event WHERE event_time <= $until ORDER BY event_time DESC LIMIT 1)
        AS last_event
