-- The records whose texts are gone.
INSERT INTO record BY NAME
SELECT * EXCLUDE (place)
FROM orphaned
