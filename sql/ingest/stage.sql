-- The accepted rows of the batch just decoded, appended to what waits to be committed.
INSERT INTO staged BY NAME
SELECT * EXCLUDE (position, verdict, sample)
FROM decoded
WHERE verdict = ''
