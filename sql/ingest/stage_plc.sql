-- The accepted operations of the batch just decoded.
INSERT INTO staged_plc
SELECT did, event_time, handle
FROM decoded
WHERE verdict = ''
