-- Record keys that are no TIDs, in the order of their letters. Grain: one key.
SELECT id AS rkey, row_number() OVER (ORDER BY rkey) AS place
FROM record_key
