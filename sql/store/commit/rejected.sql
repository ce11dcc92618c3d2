-- Rejected lines of some sources, or of all of them where $names is NULL, with samples in order of
-- position. Grain: one source and reason.
SELECT
    source,
    reason,
    any_value(rejected.lines) AS lines,
    list({position: position, sample: sample} ORDER BY position)
        FILTER (sample IS NOT NULL) AS samples
FROM rejected
LEFT JOIN rejected_sample USING (source, reason)
WHERE $names::VARCHAR[] IS NULL OR source IN (SELECT unnest($names::VARCHAR[]))
GROUP BY source, reason
ORDER BY source, reason
