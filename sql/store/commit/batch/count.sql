-- What became of the batch just decoded: one row per part of it and verdict, with the positions of the
-- first few lines in order, and the time it covers; and of those ahead of the clock the times they
-- cover, and the last position.
SELECT
    position.part AS part,
    verdict,
    count(*) AS lines,
    count(*) FILTER (ahead) AS ahead,
    min(event_time) AS first_event,
    max(event_time) AS last_event,
    min(event_time) FILTER (ahead) AS ahead_from,
    max(event_time) FILTER (ahead) AS ahead_until,
    max(position.position) FILTER (ahead) AS ahead_at,
    bool_or(synthetic) AS synthetic,
    min(position.position, 5) AS positions
FROM decoded
GROUP BY ALL
ORDER BY part, verdict
