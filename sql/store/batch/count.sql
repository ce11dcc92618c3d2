-- What became of the batch just decoded: one row per verdict, with the first few samples in order
-- and the time it covers.
SELECT
    verdict,
    count(*) AS lines,
    min(event_time) AS first_event,
    max(event_time) AS last_event,
    list({position: position, sample: sample} ORDER BY position)[1:5] AS samples
FROM decoded
GROUP BY verdict
ORDER BY verdict
