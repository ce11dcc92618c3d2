-- What was read, and how far. Grain: one source, by name.
SELECT source.*, coalesce(sum(rejected.lines), 0)::BIGINT AS rejected
FROM source
LEFT JOIN rejected ON rejected.source = source.name
GROUP BY ALL
ORDER BY name
