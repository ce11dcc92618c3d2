-- DIDs and handles of the accounts in the temp table `forgetting`. Grain: one name.
SELECT DISTINCT unnest(names) AS name
FROM forgetting
ORDER BY name
