-- Records of which more than one sighting waits. Grain: one record.
CREATE OR REPLACE TEMP TABLE repeated AS
SELECT account, collection, rkey
FROM version
GROUP BY ALL
HAVING count(*) > 1
