-- Where the records are that came late or changed. Grain: one record. Most lie together, at the
-- table's end, so that what else is asked of them need not be looked for in all of it.
-- Needs: record, pending
-- Makes: late

CREATE OR REPLACE TEMP TABLE late AS
SELECT record.rowid AS place
FROM record
JOIN pending USING (event_time, account, rkey, collection)
WHERE NOT removed
