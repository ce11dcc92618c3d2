-- How imported and collected records were chosen, what a reader must know of them, and whether they come with
-- counts of interactions. Grain: one way and remark.
SELECT drawn, remarks, coalesce(bool_or(counts), false) AS counts
FROM source
WHERE kind IN ('import', 'collect') AND kept > 0 AND drawn IS NOT NULL
GROUP BY drawn, remarks
ORDER BY drawn, remarks
