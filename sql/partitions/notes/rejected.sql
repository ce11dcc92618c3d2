-- Rejected lines. Grain: one source and reason.
FROM rejected
ORDER BY source, reason
