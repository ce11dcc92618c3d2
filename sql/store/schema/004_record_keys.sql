-- Keys of records and revisions as the numbers that they are: a TID is 13 letters for 64 bits of
-- time and clock. Numbers take half the space, are compared in a tenth of the time, and lie in a
-- narrow range in each stretch of the table, so that an append need not look at all of it.

-- Record keys that are no TIDs, or stand for times after 2255, numbered -1, -2 and so on.
CREATE TABLE record_key (
    id BIGINT NOT NULL,
    rkey VARCHAR NOT NULL
);

INSERT INTO record_key
SELECT -row_number() OVER (ORDER BY rkey), rkey
FROM (
    SELECT rkey FROM record
    UNION SELECT subject_rkey FROM record
    UNION SELECT root_rkey FROM record
)
WHERE NOT regexp_full_match(rkey, '[234567ab][2-7a-z]{12}');

DROP VIEW event;
ALTER TABLE record RENAME TO old_record;

-- One row per record: its winning version, which is the one of the highest rev. A removed record
-- stays as a row without content, so that a late create does not bring it back. A row is written
-- once; what changes is deleted and written anew, because an update writes whole columns anew.
CREATE TABLE record (
    collection collection NOT NULL,
    account UINTEGER NOT NULL,     -- who wrote it
    rkey BIGINT NOT NULL,          -- its key: a TID as a number, or below 0 as in record_key
    rev UBIGINT NOT NULL,          -- the commit of the winning version, a TID as a number
    removed BOOLEAN NOT NULL,
    event_time TIMESTAMP,          -- server time, UTC: the first sighting that was not a delete
    subject UINTEGER,              -- post: author of the parent; repost: author; follow: followed
    subject_rkey BIGINT,           -- the parent or reposted post
    root UINTEGER,                 -- author of the thread's first post, in replies
    root_rkey BIGINT,
    text VARCHAR,
    tags VARCHAR[],                -- hashtags of facets and of the tags field, without '#'
    title VARCHAR                  -- of an external link
);

INSERT INTO record
SELECT
    collection,
    account,
    CASE WHEN own.id IS NULL THEN tid_number(old.rkey)::BIGINT ELSE own.id END,
    tid_number(rev),
    removed,
    event_time,
    subject,
    CASE WHEN subjects.id IS NULL THEN tid_number(old.subject_rkey)::BIGINT ELSE subjects.id END,
    root,
    CASE WHEN roots.id IS NULL THEN tid_number(old.root_rkey)::BIGINT ELSE roots.id END,
    text,
    tags,
    title
FROM old_record AS old
LEFT JOIN record_key AS own ON own.rkey = old.rkey
LEFT JOIN record_key AS subjects ON subjects.rkey = old.subject_rkey
LEFT JOIN record_key AS roots ON roots.rkey = old.root_rkey;

DROP TABLE old_record;

-- What analyses count: records that exist, with the kind of event each one is.
CREATE VIEW event AS
SELECT
    CASE
        WHEN collection = 'post' AND subject IS NULL THEN 'post'
        WHEN collection = 'post' THEN 'reply'
        WHEN collection = 'repost' THEN 'repost'
        ELSE 'follow'
    END AS kind,
    * EXCLUDE (collection, removed, rev)
FROM record
WHERE NOT removed;
