-- What accounts that this batch deletes wrote until then and keep, without its texts. Grain: one
-- post: nothing else has any. Texts themselves are not read, which would take most of the time.
CREATE OR REPLACE TEMP TABLE orphaned AS
SELECT record.rowid AS place, record.* EXCLUDE (text, tags, title)
FROM record
JOIN departing USING (account)
WHERE collection = 'post' AND NOT removed AND event_time <= deleted_at
    AND record.rowid NOT IN (SELECT place FROM seen WHERE changed)
