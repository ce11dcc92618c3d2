-- Sources that events were kept of, and whether these are made up. Grain: one source. A directory of
-- accounts has no events.
SELECT name, kind, synthetic
FROM source
WHERE kept > 0 AND kind <> 'plc'
ORDER BY name
