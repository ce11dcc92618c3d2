-- All names of sources. Grain: one source.
SELECT name
FROM source
ORDER BY name
