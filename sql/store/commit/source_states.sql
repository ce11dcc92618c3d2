-- What is known of some sources, or of all of them where $names is NULL. Grain: one source, by name.
SELECT * EXCLUDE (ahead), ahead AS ahead_before
FROM source
WHERE $names::VARCHAR[] IS NULL OR name IN (SELECT unnest($names::VARCHAR[]))
ORDER BY name
