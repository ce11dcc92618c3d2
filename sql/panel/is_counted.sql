-- Whether c is made of counts of interactions: all sources of records are imported tables that have such counts.
-- One row.
SELECT coalesce(bool_and(counts IS TRUE), false) AS is_counted
FROM source
WHERE kept > 0 AND kind <> 'plc' AND (kind <> 'import' OR counts IS NOT NULL)
