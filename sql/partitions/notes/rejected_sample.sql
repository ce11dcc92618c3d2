-- Shapes of the first few rejected lines. Grain: one line.
FROM rejected_sample
ORDER BY source, reason, position
