-- Every waiting create, update and delete of a record. Grain: one sighting. `repeated` says whether
-- `coded` has another of the same record.
CREATE OR REPLACE TEMP VIEW version AS
SELECT
    CASE collection
        WHEN 0 THEN 'post'::collection
        WHEN 1 THEN 'repost'::collection
        ELSE 'follow'::collection
    END AS collection,
    * EXCLUDE (collection)
FROM coded
UNION ALL BY NAME
SELECT false AS repeated, *
FROM numbered
