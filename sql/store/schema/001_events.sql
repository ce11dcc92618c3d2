-- The store's first schema. Forward-only: a later change is a new file.
--
-- Accounts are numbered once, so that a DID of 32 characters is written once and not with each of
-- its events. Records are keyed by (account, collection, rkey), as in the protocol; there is no
-- index on them: an append joins a whole batch against the table, which costs less than 150
-- million index entries.

CREATE TYPE collection AS ENUM ('post', 'repost', 'follow');

-- One row per DID that wrote or was written to.
CREATE TABLE account (
    id UINTEGER NOT NULL,
    did VARCHAR NOT NULL
);

-- One row per record: its winning version, which is the one of the highest rev. A removed record
-- stays as a row without content, so that a late create does not bring it back.
CREATE TABLE record (
    collection collection NOT NULL,
    account UINTEGER NOT NULL,     -- who wrote it
    rkey VARCHAR NOT NULL,
    rev VARCHAR NOT NULL,          -- the commit of the winning version
    removed BOOLEAN NOT NULL,
    event_time TIMESTAMP,          -- server time, UTC: the first sighting that was not a delete
    subject UINTEGER,              -- post: author of the parent; repost: author; follow: followed
    subject_rkey VARCHAR,          -- the parent or reposted post
    root UINTEGER,                 -- author of the thread's first post, in replies
    root_rkey VARCHAR,
    text VARCHAR,
    tags VARCHAR[],                -- hashtags of facets and of the tags field, without '#'
    title VARCHAR                  -- of an external link
);

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

-- Every change of an account's status, because a window asks for the status at its own end.
CREATE TABLE account_status (
    account UINTEGER NOT NULL,
    event_time TIMESTAMP NOT NULL,
    active BOOLEAN NOT NULL,
    status VARCHAR NOT NULL        -- '' while active
);

-- The latest known handle.
CREATE TABLE handle (
    account UINTEGER NOT NULL,
    event_time TIMESTAMP NOT NULL,
    handle VARCHAR NOT NULL
);

-- The latest profile record, and when its creation was first seen.
CREATE TABLE profile (
    account UINTEGER NOT NULL,
    rev VARCHAR NOT NULL,
    created_at TIMESTAMP,          -- server time of a create that was seen
    bot BOOLEAN NOT NULL           -- labels itself a bot
);

-- The PLC directory: creation and latest handle. By DID, not by account: the directory lists tens
-- of millions of accounts that no event ever names.
CREATE TABLE plc (
    did VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    handle VARCHAR,
    handle_time TIMESTAMP
);

-- What was read, and how far. The cursor of a source is in the same transaction as its rows.
CREATE TABLE source (
    name VARCHAR PRIMARY KEY,      -- absolute path, or '-:' and a hash of the first line
    kind VARCHAR NOT NULL,         -- 'file', 'stdin', 'plc'
    fingerprint VARCHAR NOT NULL,  -- size and modification time: unchanged means resume
    position BIGINT NOT NULL,      -- bytes read, after decompression
    complete BOOLEAN NOT NULL,
    lines BIGINT NOT NULL,
    kept BIGINT NOT NULL,
    skipped BIGINT NOT NULL,       -- valid, of kinds that are not kept
    first_event TIMESTAMP,
    last_event TIMESTAMP
);

CREATE TABLE rejected (
    source VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    lines BIGINT NOT NULL,
    PRIMARY KEY (source, reason)
);

-- The first few rejected lines of each reason, shortened.
CREATE TABLE rejected_sample (
    source VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    sample VARCHAR NOT NULL
);
