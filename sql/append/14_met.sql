-- Records of which `numbered` has a sighting that is not the only one. Grain: one record.
CREATE OR REPLACE TEMP TABLE met AS
SELECT account, collection, rkey
FROM (
    FROM version
    SEMI JOIN numbered USING (account, collection, rkey)
)
GROUP BY ALL
HAVING count(*) > 1
