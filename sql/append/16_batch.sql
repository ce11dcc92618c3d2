-- The batch, folded within itself. Grain: one record.
CREATE OR REPLACE TEMP VIEW batch AS
SELECT * EXCLUDE (repeated) REPLACE (CASE WHEN NOT removed THEN event_time END AS event_time)
FROM version
ANTI JOIN met USING (account, collection, rkey)
WHERE repeated IS NOT true
UNION ALL BY NAME
FROM folded
