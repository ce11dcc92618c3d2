-- How the records of imported tables were chosen, and what their formats say that a reader must know. Grain: one
-- way and remark.
SELECT DISTINCT drawn, remarks
FROM source
WHERE kind = 'import' AND kept > 0 AND drawn IS NOT NULL
ORDER BY drawn, remarks
