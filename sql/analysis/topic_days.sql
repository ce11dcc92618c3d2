-- Who took part in a topic on each day. Grain: one UTC day, ascending. Needs `window_event`.
SELECT day, count(DISTINCT account) AS participants, count(*) AS events
FROM window_event
GROUP BY day
ORDER BY day
