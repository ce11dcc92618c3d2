-- The accepted operations of the lines just decoded, appended to what waits to be committed.
INSERT INTO staged_plc
SELECT did, event_time, handle, host
FROM decoded
WHERE verdict = ''
