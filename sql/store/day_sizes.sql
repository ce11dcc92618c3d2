-- How many events each day has. Grain: one UTC day with events, ascending. Of days that are summarised it
-- is read from the summaries.
WITH waiting AS (
    SELECT min(first_event) AS first_event, max(last_event) AS last_event
    FROM stored_day
    WHERE NOT summarised
)
SELECT day, sum(events)::BIGINT AS events
FROM (
    SELECT day, records AS events
    FROM agent_day
    UNION ALL
    SELECT event_time::DATE, 1
    FROM event
    WHERE event_time BETWEEN (SELECT first_event FROM waiting) AND (SELECT last_event FROM waiting)
        AND event_time::DATE NOT IN (SELECT day FROM stored_day WHERE summarised)
)
GROUP BY day
HAVING sum(events) > 0
ORDER BY day
