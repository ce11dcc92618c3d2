-- The days that records of a store fall on, within which times they do, how many count, and when the last of these
-- was. Grain: one UTC day, ascending.
SELECT day, first_event, last_event, newest, coalesce(events, 0) AS events
FROM stored_day
LEFT JOIN (
    SELECT event_time::DATE AS day, max(event_time) AS newest, count(*) AS events
    FROM event
    GROUP BY ALL
) USING (day)
ORDER BY day
