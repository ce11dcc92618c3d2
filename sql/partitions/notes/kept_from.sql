-- After which time the store has what an earlier schema did not keep. Grain: one such thing. Times are text.
SELECT name, "after"::VARCHAR AS "after"
FROM kept_from
ORDER BY name, "after"
