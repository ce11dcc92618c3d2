-- In which year accounts were created, by each who says so. Grain: one account and source. Needs the
-- temp view `stated_creation`.
SELECT account, source, year(created_at)::SMALLINT AS year
FROM stated_creation
WHERE isfinite(created_at)
