-- How imported and collected records were chosen, and what a reader must know of them. Grain: one way and
-- remark.
SELECT DISTINCT drawn, remarks
FROM source
WHERE kind IN ('import', 'collect') AND kept > 0 AND drawn IS NOT NULL
ORDER BY drawn, remarks
