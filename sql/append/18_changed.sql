-- Those of them that change, as they become. Grain: one record.
CREATE OR REPLACE TEMP TABLE changed AS
SELECT new.* REPLACE (seen.event_time AS event_time)
FROM batch AS new
JOIN seen USING (account, collection, rkey)
WHERE newer
UNION ALL BY NAME
SELECT old.* REPLACE (seen.event_time AS event_time)
FROM record AS old
JOIN seen ON old.rowid = seen.place
WHERE changed AND NOT newer
