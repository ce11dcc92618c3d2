-- Rejected lines of all sources by reason, with the shapes of the first few, blank unless $samples. Grain: one reason.
SELECT
    reason,
    (SELECT sum(r.lines)::BIGINT FROM rejected AS r WHERE r.reason = s.reason) AS lines,
    source,
    position,
    CASE WHEN $samples THEN sample ELSE '' END AS sample
FROM rejected_sample AS s
ORDER BY reason, source, position
