-- What some sources cover, or all of them where $names is NULL. Grain: one span, those of a source in
-- the order it was read.
SELECT source, first_event, last_event, gap
FROM span
WHERE $names::VARCHAR[] IS NULL OR source IN (SELECT unnest($names::VARCHAR[]))
ORDER BY rowid
