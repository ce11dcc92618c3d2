-- Find which follows and reposts repeat an earlier record: of those of one account that follow the same
-- account, or repost the same post, only the earliest that exists counts. Where the commit changes
-- whether a record of the store does, that record changes with it.
-- Needs: current, seen, record, record_key, changed
-- Makes: relating, relation, pair, between_them, relative, several, standing, repeat

-- Records of a relation that are new or changed. Grain: one record. `post` is 0 in a follow; what is
-- reposted and no post has no key, so that two of them are never known to be the same.
CREATE OR REPLACE TEMP VIEW relating AS
SELECT collection, account, subject, coalesce(subject_rkey, 0) AS post, rkey, event_time, related
FROM current
WHERE related IS NOT NULL;

-- These relations, and those that a changed record had. Grain: one relation, perhaps twice.
CREATE OR REPLACE TEMP VIEW relation AS
SELECT collection, account, subject, post
FROM relating
UNION ALL
SELECT collection, account, old_subject, coalesce(old_subject_rkey, 0)
FROM seen
WHERE changed AND NOT old_removed AND (collection = 'follow' OR old_subject_rkey IS NOT NULL);

-- The accounts of these. Grain: one relation, perhaps twice.
CREATE OR REPLACE TEMP TABLE pair AS
SELECT account, subject
FROM relation;

-- Where records of the same two accounts are, which can be anywhere in the table. Grain: one record. A
-- join by one number becomes a filter of the scan, one by several does not; so each of the two comes by
-- itself first, which takes a sixth of the time.
CREATE OR REPLACE TEMP TABLE between_them AS
SELECT place
FROM (
    SELECT record.rowid AS place, account, subject
    FROM record
    SEMI JOIN (SELECT account FROM pair) USING (account)
    SEMI JOIN (SELECT subject FROM pair) USING (subject)
)
SEMI JOIN pair USING (account, subject);

-- Other records of the relations. Grain: one record.
CREATE OR REPLACE TEMP TABLE relative AS
WITH candidate AS MATERIALIZED (
    SELECT
        rowid AS place, collection, account, subject, coalesce(subject_rkey, 0) AS post, rkey,
        event_time, is_repeat
    FROM record
    WHERE rowid IN (SELECT place FROM between_them)
        AND NOT removed
        AND (collection = 'follow' OR collection = 'repost' AND subject_rkey IS NOT NULL)
)
FROM candidate
SEMI JOIN relation USING (collection, account, subject, post)
ANTI JOIN (SELECT place FROM seen WHERE changed) USING (place);

-- Relations that may have several records, of which there are few. Grain: one relation, perhaps more than
-- once.
CREATE OR REPLACE TEMP TABLE several AS
SELECT collection, account, subject, post
FROM relative
UNION ALL
SELECT collection, account, subject, post
FROM relating
WHERE related;

-- All their records: whether each repeats an earlier one. Grain: one record. `place` is NULL for those
-- that are new or changed. At one time the lower key comes first.
CREATE OR REPLACE TEMP TABLE standing AS
SELECT
    place, collection, account, one.rkey, event_time, subject, post, is_repeat AS was_repeat,
    row_number() OVER (
        PARTITION BY collection, account, subject, post
        ORDER BY event_time, record_key.rkey NULLS FIRST, one.rkey
    ) > 1 AS is_repeat
FROM (
    FROM relative
    UNION ALL BY NAME
    SELECT * EXCLUDE (related)
    FROM relating
) AS one
SEMI JOIN several USING (collection, account, subject, post)
LEFT JOIN record_key ON record_key.id = one.rkey;

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
