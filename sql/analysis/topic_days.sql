-- Who took part in a topic on each day. Grain: one UTC day, ascending. Needs `counted`.
SELECT day, count(DISTINCT account) AS participants, count(*) AS events
FROM counted
GROUP BY day
ORDER BY day
