-- The records without them.
INSERT INTO record BY NAME
SELECT * EXCLUDE (place) REPLACE (
    NULL::VARCHAR AS text, NULL::VARCHAR[] AS tags, NULL::VARCHAR AS title
)
FROM orphaned
