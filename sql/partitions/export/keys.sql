-- Record keys that are no TIDs. Grain: one key, from the number -1 down without gaps.
SELECT id, rkey
FROM record_key
ORDER BY id DESC
