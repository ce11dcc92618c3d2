-- Rejected lines by reason, with samples in order of position. Grain: one source and reason.
SELECT
    reason,
    any_value(rejected.lines) AS lines,
    list({position: position, sample: sample} ORDER BY position)
        FILTER (sample IS NOT NULL) AS samples
FROM rejected
LEFT JOIN rejected_sample USING (source, reason)
WHERE rejected.source = $name
GROUP BY reason
ORDER BY reason
