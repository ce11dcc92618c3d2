-- The accepted rows of the lines just decoded, appended to what waits to be committed.
INSERT INTO staged BY NAME
SELECT * EXCLUDE (position, verdict, ahead, synthetic)
FROM decoded
WHERE verdict = ''
