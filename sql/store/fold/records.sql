-- Fold the batch into the table of records: find what it changes, make way, write.
-- Needs: batch, departing, record, account_status
-- Makes: seen, changed, orphaned, departed, written

-- Records of the batch that the store has: where, what they were, and what is new about them. Grain:
-- one record. Most keys lie between $low and $high, where little of the store does. For the few
-- beyond it all of it is searched, by the key alone, which nearly always decides.
CREATE OR REPLACE TEMP TABLE seen AS
SELECT
    place,
    collection,
    account,
    rkey,
    old_removed,
    old_time,
    old_subject,
    new_rev > old_rev OR new_rev = old_rev AND new_removed > old_removed AS newer,
    newer OR new_time < coalesce(old_time, 'infinity'::TIMESTAMP) IS TRUE AS changed,
    least(old_time, new_time) AS event_time
FROM (
    SELECT
        old.rowid AS place, collection, account, rkey, old.rev AS old_rev, new.rev AS new_rev,
        old.removed AS old_removed, new.removed AS new_removed, old.event_time AS old_time,
        new.event_time AS new_time, old.subject AS old_subject
    FROM batch AS new
    JOIN record AS old USING (rkey, account, collection)
    WHERE new.rkey BETWEEN $low AND $high AND old.rkey BETWEEN $low AND $high
    UNION ALL
    SELECT
        old.rowid, new.collection, new.account, rkey, old.rev, new.rev, old.removed, new.removed,
        old.event_time, new.event_time, old.subject
    FROM batch AS new
    JOIN record AS old USING (rkey)
    WHERE new.rkey NOT BETWEEN $low AND $high
        AND new.account::BIGINT - old.account = 0
        AND enum_code(new.collection)::TINYINT - enum_code(old.collection) = 0
);

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
WHERE changed AND NOT newer;

-- What accounts that this batch deletes wrote until then and keep, without its texts. Grain: one
-- post: nothing else has any. Texts themselves are not read, which would take most of the time.
CREATE OR REPLACE TEMP TABLE orphaned AS
SELECT record.rowid AS place, record.* EXCLUDE (text, tags, title)
FROM record
JOIN departing USING (account)
WHERE collection = 'post' AND NOT removed AND event_time <= deleted_at
    AND record.rowid NOT IN (SELECT place FROM seen WHERE changed);

-- Until the commit is done, the engine keeps its notes of deletes in memory, which it cannot spill:
-- $each bytes for every vector of the table (2048 rows) that loses a row, beside what else a fold
-- takes. So the limit rises from $usual where rows go all over the table, and never above $most.
SET VARIABLE memory = (
    SELECT least(greatest($usual, $beside + count(DISTINCT place // 2048) * $each), $most) || 'B'
    FROM (
        SELECT place FROM seen WHERE changed
        UNION ALL
        SELECT place FROM orphaned
    )
);

SET memory_limit = getvariable('memory');

-- Make way for what changes and for what loses its texts, which go, not only out of sight.
DELETE FROM record
WHERE rowid IN (
    SELECT place FROM seen WHERE changed
    UNION ALL
    SELECT place FROM orphaned
);

-- Accounts that deleted themselves, or were. Grain: one account.
CREATE OR REPLACE TEMP TABLE departed AS
SELECT account, max(event_time) AS deleted_at
FROM account_status
WHERE status = 'deleted'
GROUP BY account;

-- Records that are new or changed, as they are written. Grain: one record. What an account wrote
-- before it was deleted keeps no text, whenever it arrives.
CREATE OR REPLACE TEMP VIEW written AS
SELECT
    * EXCLUDE (deleted_at) REPLACE (
        CASE WHEN event_time > deleted_at IS NOT FALSE THEN text END AS text,
        CASE WHEN event_time > deleted_at IS NOT FALSE THEN list_sort(list_distinct(tags)) END
            AS tags,
        CASE WHEN event_time > deleted_at IS NOT FALSE THEN title END AS title
    )
FROM (
    FROM batch
    ANTI JOIN seen USING (account, collection, rkey)
    UNION ALL BY NAME
    FROM changed
)
LEFT JOIN departed USING (account);

-- The few whose keys are far from the others come first, so that little of the table has keys of
-- all times.
INSERT INTO record BY NAME
FROM written
WHERE rkey NOT BETWEEN $low AND $high;

INSERT INTO record BY NAME
FROM written
WHERE rkey BETWEEN $low AND $high;

-- The records whose texts are gone.
INSERT INTO record BY NAME
SELECT * EXCLUDE (place)
FROM orphaned;
