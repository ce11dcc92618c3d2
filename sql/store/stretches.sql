-- Stretches of days with records, between which more than $apart days have none. Grain: one stretch,
-- ascending. No record of it is before its first event, nor after its last one.
SELECT
    min(first_event) AS first_event,
    max(last_event) AS last_event
FROM (
    SELECT *, count(*) FILTER (apart > $apart) OVER (ORDER BY day) AS stretch
    FROM (SELECT *, day - lag(day) OVER (ORDER BY day) AS apart FROM stored_day)
)
GROUP BY stretch
ORDER BY first_event
