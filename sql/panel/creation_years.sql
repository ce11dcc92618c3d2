-- In which year accounts were created, by each who says so: the better informed have higher numbers
-- (0 a profile seen, 1 the AppView, 2 the directory). Grain: one account and source. Needs the temp
-- table `directory_entry`.
SELECT account, source, year(created_at)::SMALLINT AS year
FROM (
    SELECT account, created_at, 0::UTINYINT AS source
    FROM profile
    UNION ALL
    SELECT account, created_at, 1::UTINYINT
    FROM hydration
    UNION ALL
    SELECT account, created_at, 2::UTINYINT
    FROM directory_entry
)
WHERE isfinite(created_at)
