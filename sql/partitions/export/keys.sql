-- Record keys that are no TIDs, each at its place: that of the number -1 first. Grain: one number; those that are
-- free, as who had them is forgotten, have no key.
SELECT rkey
FROM (
    SELECT -unnest(generate_series(1, (SELECT coalesce(-min(id), 0) FROM record_key))) AS id
)
LEFT JOIN record_key USING (id)
ORDER BY id DESC
