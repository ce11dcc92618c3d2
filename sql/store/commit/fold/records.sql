-- Write what is new or changed to the table of records.
-- Needs: current, seen, repeat, departing, record, account_status, taken_off
-- Makes: orphaned, departed, written

-- What accounts that this batch deletes wrote until then and keep, without its texts. Grain: one
-- post: nothing else has any. Texts themselves are not read, which would take most of the time.
CREATE OR REPLACE TEMP TABLE orphaned AS
SELECT
    record.rowid AS place,
    record.* EXCLUDE (text, tags, title, langs, domains, mentions, labels)
FROM record
JOIN departing USING (account)
WHERE collection = 'post' AND NOT removed AND least(event_time, first_time) <= deleted_at
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

-- What these come to in the sums of rows. Grain: one day.
INSERT INTO taken_off
SELECT event_time::DATE AS day, count(*), sum(hash(*COLUMNS(*)))
FROM record
WHERE rowid IN (
    SELECT place FROM seen WHERE changed
    UNION ALL
    SELECT place FROM orphaned
)
GROUP BY day;

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
    * EXCLUDE (has_words, related) REPLACE (
        CASE WHEN has_words THEN text END AS text,
        CASE
            WHEN NOT has_words THEN NULL
            WHEN len(tags) > 1 THEN list_sort(list_distinct(tags))
            ELSE tags
        END AS tags,
        CASE WHEN has_words THEN title END AS title,
        CASE WHEN has_words THEN langs END AS langs,
        CASE WHEN has_words THEN domains END AS domains,
        CASE WHEN has_words THEN mentions END AS mentions,
        CASE WHEN has_words THEN labels END AS labels
    ),
    (collection, account, rkey) IN (FROM repeat) AS is_repeat
FROM (
    SELECT
        current.*,
        least(event_time, first_time) > deleted_at IS NOT FALSE AS has_words
    FROM current
    LEFT JOIN departed USING (account)
);

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
