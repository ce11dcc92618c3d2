-- When the first and last stored event happened. One row; NULL for an empty store.
SELECT min(event_time) AS first_event, max(event_time) AS last_event
FROM event
