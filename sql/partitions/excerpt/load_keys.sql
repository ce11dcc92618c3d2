-- Number the record keys that are no TIDs and have no number yet. In: `given`, with rkey. Grain: one key.
-- Needs: given, record_key
-- Makes: nothing
INSERT INTO record_key
SELECT (SELECT coalesce(min(id), 0) FROM record_key) - row_number() OVER () AS id, rkey
FROM (SELECT DISTINCT rkey FROM given WHERE rkey IS NOT NULL) AS named
ANTI JOIN record_key USING (rkey)
