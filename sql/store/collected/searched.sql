-- What the source $source has searched for. Grain: one query and slice of time.
SELECT query, since, until, outcome, hits, matched
FROM searched
WHERE source = $source
ORDER BY query, since, until
