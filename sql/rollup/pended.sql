-- What came or changed waits to be matched. Grain: one record.
INSERT INTO pending
SELECT DISTINCT collection, event_time, account, rkey
FROM touched
WHERE sign >= 0 AND collection <> 'follow'
