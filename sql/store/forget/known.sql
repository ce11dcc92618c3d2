-- What the accounts in the temp table `forgetting` can be found by, and whether they are forgotten
-- already. Needs the macro keyed_hash. Grain: one DID.
SELECT
    did,
    list_sort(names) AS names,
    coalesce(keyed_hash(did) IN (SELECT hash FROM forgotten), false) AS forgotten
FROM forgetting
ORDER BY did
