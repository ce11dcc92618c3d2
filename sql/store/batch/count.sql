-- What became of the batch just decoded: one row per part of it and verdict, with the first few samples
-- in order and the time it covers.
SELECT
    position.part AS part,
    verdict,
    count(*) AS lines,
    count(*) FILTER (ahead) AS ahead,
    min(event_time) AS first_event,
    max(event_time) AS last_event,
    bool_or(synthetic) AS synthetic,
    list({position: position.position, sample: sample} ORDER BY position.position)[1:5] AS samples
FROM decoded
GROUP BY ALL
ORDER BY part, verdict
