-- The records of a store in the form of `coded` (blueattr/decode/record_events.py). Grain: one sighting: the
-- version that counts, or the delete that does; and beside it a write without content, of an earlier revision than
-- any, where only that says a time which the fold needs: the time of a record before its delete, and an earlier
-- time than the one that counts, which is said to be of the lowest kind, so that it counts no more than it did.
-- Without $text there are no words, and the hashtags are those in `marks`.
-- Needs: record, marks
SELECT
    enum_code(record.collection) AS collection,
    account,
    record.rkey,
    rev,
    removed,
    CASE WHEN NOT removed THEN event_time END AS event_time,
    enum_code(time_from) AS time_from,
    subject, subject_rkey, root, root_rkey,
    coalesce(quoted, via) AS other,
    coalesce(quoted_rkey, via_rkey) AS other_rkey,
    CASE WHEN $text THEN text END AS text,
    CASE WHEN $text THEN record.tags ELSE marks.tags END AS tags,
    CASE WHEN $text THEN title END AS title,
    langs, domains, mentions, labels
FROM record
LEFT JOIN marks USING (collection, account, rkey)
UNION ALL BY NAME
SELECT
    enum_code(collection) AS collection, account, rkey, 0::UBIGINT AS rev, false AS removed, event_time,
    enum_code(time_from) AS time_from
FROM record
WHERE removed AND event_time IS NOT NULL
UNION ALL BY NAME
SELECT
    enum_code(collection) AS collection, account, rkey, 0::UBIGINT AS rev, false AS removed,
    first_time AS event_time, 4::UTINYINT AS time_from
FROM record
WHERE first_time IS NOT NULL
