-- The batch, folded within itself. Grain: one record.
CREATE OR REPLACE TEMP VIEW batch AS
SELECT * REPLACE (CASE WHEN NOT removed THEN event_time END AS event_time)
FROM version
ANTI JOIN repeated USING (account, collection, rkey)
UNION ALL BY NAME
FROM folded
