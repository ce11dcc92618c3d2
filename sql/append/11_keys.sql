-- Write down the record keys that are new.
INSERT INTO record_key
SELECT id, rkey
FROM batch_key
WHERE is_new
