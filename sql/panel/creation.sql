-- Whether accounts were created in a stretch of time, by each who says so. Grain: one account and
-- source. Needs the temp view `stated_creation`.
SELECT account, source, created_at >= $start AND created_at < $end AS inside
FROM stated_creation
WHERE created_at IS NOT NULL
