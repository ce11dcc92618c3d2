-- Find which follows and reposts repeat an earlier record: of those of one account that follow the same
-- account, or repost the same post, only the earliest that exists counts. Where the commit changes
-- whether a record of the store does, that record changes with it.
-- Needs: current, seen, record, record_key, changed
-- Makes: relating, relative, standing, repeat

-- Records of a relation that are new or changed. Grain: one record. `post` is 0 in a follow; what is
-- reposted and no post has no key, so that two of them are never known to be the same.
CREATE OR REPLACE TEMP TABLE relating AS
SELECT collection, account, subject, coalesce(subject_rkey, 0) AS post, rkey, event_time
FROM current
WHERE NOT removed AND (collection = 'follow' OR collection = 'repost' AND subject_rkey IS NOT NULL);

-- Other records of the same relations, and of those that a changed record had. Grain: one record. They
-- can be anywhere in the table.
CREATE OR REPLACE TEMP TABLE relative AS
SELECT
    record.rowid AS place, record.collection, record.account, record.subject,
    coalesce(subject_rkey, 0) AS post, rkey, event_time, is_repeat
FROM record
SEMI JOIN (
    SELECT collection, account, subject, post
    FROM relating
    UNION ALL
    SELECT collection, account, old_subject, coalesce(old_subject_rkey, 0)
    FROM seen
    WHERE changed AND NOT old_removed AND (collection = 'follow' OR old_subject_rkey IS NOT NULL)
) AS relation
    ON record.account = relation.account
    AND record.subject = relation.subject
    AND record.collection = relation.collection
    AND coalesce(record.subject_rkey, 0) = relation.post
WHERE NOT removed
    AND record.collection <> 'post'
    AND (record.collection = 'follow' OR record.subject_rkey IS NOT NULL)
    AND record.rowid NOT IN (SELECT place FROM seen WHERE changed);

-- All records of relations that have several, or had: whether each repeats an earlier one. Grain: one
-- record. `place` is NULL for those that are new or changed. At one time the lower key comes first.
CREATE OR REPLACE TEMP TABLE standing AS
SELECT
    place, collection, account, related.rkey, event_time, subject, post, is_repeat AS was_repeat,
    row_number() OVER (
        PARTITION BY collection, account, subject, post
        ORDER BY event_time, record_key.rkey NULLS FIRST, related.rkey
    ) > 1 AS is_repeat
FROM (
    FROM relative
    UNION ALL BY NAME
    FROM relating
) AS related
SEMI JOIN (
    SELECT collection, account, subject, post
    FROM relative
    UNION ALL
    SELECT collection, account, subject, post
    FROM relating
    GROUP BY ALL
    HAVING count(*) > 1
) AS several USING (collection, account, subject, post)
LEFT JOIN record_key ON record_key.id = related.rkey;

-- Those of them that repeat an earlier one. Grain: one record.
CREATE OR REPLACE TEMP TABLE repeat AS
SELECT collection, account, rkey
FROM standing
WHERE is_repeat;

-- Records of the store that begin to count, or cease to.
INSERT INTO seen BY NAME
SELECT
    place, collection, account, rkey, false AS old_removed, event_time AS old_time,
    subject AS old_subject, was_repeat AS old_is_repeat, false AS newer, true AS changed
FROM standing
WHERE is_repeat <> was_repeat;

-- As they become.
INSERT INTO changed BY NAME
SELECT record.* EXCLUDE (is_repeat)
FROM record
JOIN standing ON record.rowid = place
WHERE standing.is_repeat <> was_repeat;
