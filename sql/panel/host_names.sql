-- The hosts that the directory lists. Grain: one host, ascending. Needs the temp table `directory_entry`.
SELECT DISTINCT host
FROM directory_entry
WHERE host IS NOT NULL
ORDER BY host
