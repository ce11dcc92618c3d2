-- The last span of some sources, or of all of them where $names is NULL, and how many come before it.
-- Grain: one source that covers any time.
SELECT
    source,
    count(*) - 1 AS earlier_spans,
    unnest(arg_max({first_event: first_event, last_event: last_event, gap: gap}, rowid))
FROM span
WHERE $names::VARCHAR[] IS NULL OR source IN (SELECT unnest($names::VARCHAR[]))
GROUP BY source
