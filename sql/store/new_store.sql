-- All that a store holds, in an empty database: the same as the migrations make of one, step by step, in
-- sql/store/schema. A test compares the two.

-- Which migrations a store had. Grain: one schema version. A database that has this table, and no row in it,
-- is empty as well.
CREATE TABLE IF NOT EXISTS migration (
    version INTEGER PRIMARY KEY,
    name VARCHAR,
    applied_at TIMESTAMP
);

CREATE TYPE collection AS ENUM ('post', 'repost', 'follow');

CREATE TYPE time_from AS ENUM ('server', 'imported', 'key', 'claimed', 'collected');

-- --- accounts and records: 001, 004, 008, 009 ----------------------------------------------------

CREATE TABLE account (
    id UINTEGER NOT NULL,
    did VARCHAR NOT NULL
);

CREATE TABLE record_key (
    id BIGINT NOT NULL,
    rkey VARCHAR NOT NULL
);

CREATE TABLE record (
    collection collection NOT NULL,
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL,
    rev UBIGINT NOT NULL,
    removed BOOLEAN NOT NULL,
    event_time TIMESTAMP,
    subject UINTEGER,
    subject_rkey BIGINT,
    root UINTEGER,
    root_rkey BIGINT,
    text VARCHAR,
    tags VARCHAR[],
    title VARCHAR,
    time_from time_from DEFAULT 'server',
    first_time TIMESTAMP,
    is_repeat BOOLEAN DEFAULT false,
    langs VARCHAR,
    quoted UINTEGER,
    quoted_rkey BIGINT,
    via UINTEGER,
    via_rkey BIGINT,
    domains VARCHAR[],
    mentions UINTEGER[],
    labels VARCHAR
);

CREATE VIEW event AS
SELECT
    CASE
        WHEN collection = 'post' AND subject IS NULL THEN 'post'
        WHEN collection = 'post' THEN 'reply'
        WHEN collection = 'repost' THEN 'repost'
        ELSE 'follow'
    END AS kind,
    * EXCLUDE (collection, removed, rev, is_repeat, first_time)
FROM record
WHERE NOT removed;

CREATE TABLE kept_from (
    name VARCHAR NOT NULL,
    after TIMESTAMP NOT NULL
);

CREATE TABLE account_status (
    account UINTEGER NOT NULL,
    event_time TIMESTAMP NOT NULL,
    active BOOLEAN NOT NULL,
    status VARCHAR NOT NULL
);

CREATE TABLE handle (
    account UINTEGER NOT NULL,
    event_time TIMESTAMP NOT NULL,
    handle VARCHAR NOT NULL
);

CREATE TABLE profile (
    account UINTEGER NOT NULL,
    rev VARCHAR NOT NULL,
    created_at TIMESTAMP,
    bot BOOLEAN NOT NULL,
    labels VARCHAR
);

-- --- what others say of accounts: 001, 003, 009 --------------------------------------------------

CREATE TABLE hydration (
    account UINTEGER NOT NULL,
    asked_at TIMESTAMP NOT NULL,
    found BOOLEAN NOT NULL,
    followers BIGINT,
    followers_at TIMESTAMP,
    created_at TIMESTAMP
);

CREATE TABLE plc (
    did VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL,
    handle VARCHAR,
    handle_time TIMESTAMP,
    host VARCHAR,
    host_time TIMESTAMP
);

CREATE TABLE plc_handle (
    did VARCHAR NOT NULL,
    handle VARCHAR NOT NULL,
    handle_time TIMESTAMP NOT NULL
);

-- --- who is forgotten: 007 -----------------------------------------------------------------------

CREATE TABLE forgotten (
    hash VARCHAR NOT NULL,
    forgotten_at TIMESTAMP NOT NULL
);

CREATE TABLE forgotten_key (
    inner_pad BLOB NOT NULL,
    outer_pad BLOB NOT NULL
);

-- --- sources: 001, 002, 006, 008, 009, 010 -------------------------------------------------------

CREATE TABLE source (
    name VARCHAR PRIMARY KEY,
    kind VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    complete BOOLEAN NOT NULL,
    lines BIGINT NOT NULL,
    kept BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    first_event TIMESTAMP,
    last_event TIMESTAMP,
    synthetic BOOLEAN DEFAULT false,
    mark BIGINT,
    stalled BIGINT DEFAULT 0,
    bounded BIGINT DEFAULT 0,
    ahead BIGINT DEFAULT 0,
    drawn VARCHAR,
    remarks VARCHAR,
    counts BOOLEAN,
    doubt_after BIGINT,
    doubt_from TIMESTAMP,
    doubt_until TIMESTAMP,
    doubted BIGINT DEFAULT 0
);

CREATE TABLE source_account (
    source VARCHAR NOT NULL,
    did VARCHAR NOT NULL
);

CREATE TABLE span (
    source VARCHAR NOT NULL,
    first_event TIMESTAMP,
    last_event TIMESTAMP,
    gap VARCHAR NOT NULL
);

CREATE TABLE rejected (
    source VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    lines BIGINT NOT NULL,
    PRIMARY KEY (source, reason)
);

CREATE TABLE rejected_sample (
    source VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    position BIGINT NOT NULL,
    sample VARCHAR NOT NULL
);

-- --- imported tables: 009 ------------------------------------------------------------------------

CREATE TABLE imported_count (
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL,
    replies BIGINT,
    reposts BIGINT,
    quotes BIGINT,
    counted_at TIMESTAMP NOT NULL
);

-- --- collected topics: 009 -----------------------------------------------------------------------

CREATE TABLE searched (
    source VARCHAR NOT NULL,
    query VARCHAR NOT NULL,
    since TIMESTAMP NOT NULL,
    until TIMESTAMP NOT NULL,
    outcome VARCHAR NOT NULL,
    hits BIGINT NOT NULL,
    matched BIGINT NOT NULL
);

CREATE TABLE network_count (
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL,
    replies BIGINT,
    reposts BIGINT,
    quotes BIGINT,
    counted_at TIMESTAMP NOT NULL
);

CREATE TABLE closure (
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL,
    step VARCHAR NOT NULL,
    cursor VARCHAR
);

-- --- rollups: 005, 009 ---------------------------------------------------------------------------

CREATE TABLE stored_day (
    day DATE NOT NULL,
    first_event TIMESTAMP NOT NULL,
    last_event TIMESTAMP NOT NULL,
    summarised BOOLEAN NOT NULL,
    records BIGINT NOT NULL,
    corrected BIGINT NOT NULL
);

CREATE TABLE agent_day (
    day DATE NOT NULL,
    account UINTEGER NOT NULL,
    records INTEGER NOT NULL,
    posts INTEGER NOT NULL,
    replies INTEGER NOT NULL,
    reposts INTEGER NOT NULL,
    replies_received INTEGER NOT NULL,
    reposts_received INTEGER NOT NULL,
    follows_received INTEGER NOT NULL,
    quotes_received INTEGER DEFAULT 0 NOT NULL
);

CREATE TABLE watched (account UINTEGER NOT NULL);

CREATE TABLE given_day (
    day DATE NOT NULL,
    account UINTEGER NOT NULL,
    subject UINTEGER NOT NULL,
    replies INTEGER NOT NULL,
    reposts INTEGER NOT NULL,
    follows INTEGER NOT NULL,
    quotes INTEGER DEFAULT 0 NOT NULL
);

CREATE TABLE topic (
    id USMALLINT NOT NULL,
    rule VARCHAR NOT NULL
);

CREATE TABLE topic_event (
    topic USMALLINT NOT NULL,
    own BOOLEAN NOT NULL,
    collection collection NOT NULL,
    event_time TIMESTAMP NOT NULL,
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL,
    subject UINTEGER,
    subject_rkey BIGINT,
    root UINTEGER,
    root_rkey BIGINT,
    quoted UINTEGER,
    quoted_rkey BIGINT
);

CREATE TABLE pending (
    collection collection NOT NULL,
    event_time TIMESTAMP NOT NULL,
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL
);

-- --- how far the store is what commits wrote: 008 -------------------------------------------------

CREATE TABLE last_commit (mark UUID NOT NULL);

INSERT INTO last_commit VALUES (gen_random_uuid());

CREATE TABLE row_sum (
    name VARCHAR NOT NULL,
    day DATE,
    rows BIGINT NOT NULL,
    total HUGEINT NOT NULL
);

CREATE TABLE row_hash (known UBIGINT NOT NULL);

-- A store that is new had all of them at once.
INSERT INTO migration
SELECT unnest($versions::INTEGER[]), unnest($names::VARCHAR[]), now()::TIMESTAMP;
