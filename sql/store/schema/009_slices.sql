-- What the field slices by: languages, quotes, links, mentions, labels, the way reposts came, hosts.
-- All of it is NULL in rows of before; `kept_from` says from when on it is known.

-- --- records ------------------------------------------------------------------------------------

-- Until when records may lack the columns of this schema: those at or before `after` came before it. A
-- store that had no records has no row, and knows them of all. Grain: one name of what is lacking.
CREATE TABLE kept_from (
    name VARCHAR NOT NULL,         -- 'posts': the columns of posts and reposts
    after TIMESTAMP NOT NULL
);

-- An author may claim any year, so that what lies ahead of now says nothing of when records came. Where
-- the clock is of before any store, it says nothing.
INSERT INTO kept_from
SELECT
    'posts',
    CASE WHEN now() >= TIMESTAMPTZ '2026-01-01 00:00:00+00'
        THEN least(max(event_time), now()::TIMESTAMP)
        ELSE max(event_time)
    END AS after
FROM record
HAVING max(event_time) IS NOT NULL;

-- The languages that a post states: lower-case BCP 47 tags as they stand, each once, with a space between.
ALTER TABLE record ADD COLUMN langs VARCHAR;

-- Author and key of the post that a post quotes; NULL where it quotes none, but a list or a feed.
ALTER TABLE record ADD COLUMN quoted UINTEGER;

ALTER TABLE record ADD COLUMN quoted_rkey BIGINT;

-- Author and key of the repost by which a repost was found.
ALTER TABLE record ADD COLUMN via UINTEGER;

ALTER TABLE record ADD COLUMN via_rkey BIGINT;

-- Hosts of a post's links, in lower case, without `www.`, each once.
ALTER TABLE record ADD COLUMN domains VARCHAR[];

-- The accounts that a post mentions, each once.
ALTER TABLE record ADD COLUMN mentions UINTEGER[];

-- What a post's author labels it, sorted, with a space between.
ALTER TABLE record ADD COLUMN labels VARCHAR;

DROP VIEW event;

-- What analyses count: records that exist, with the kind of event each one is.
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

-- --- accounts -----------------------------------------------------------------------------------

-- What an account labels itself, sorted, with a space between.
ALTER TABLE profile ADD COLUMN labels VARCHAR;

-- --- the PLC directory --------------------------------------------------------------------------

-- The latest host of the account's repository (its PDS), in lower case, and the time of the operation that
-- names it, NULL where that is `handle_time`.
ALTER TABLE plc ADD COLUMN host VARCHAR;

ALTER TABLE plc ADD COLUMN host_time TIMESTAMP;

-- Handles that accounts had before the one in `plc`, and the time of the last operation that names each.
-- Grain: one account and handle.
CREATE TABLE plc_handle (
    did VARCHAR NOT NULL,
    handle VARCHAR NOT NULL,
    handle_time TIMESTAMP NOT NULL
);

-- A directory that was imported before has no hosts and no earlier handles: the same export is not taken to be
-- unchanged, but read again.
UPDATE source
SET fingerprint = ''
WHERE kind = 'plc';

-- --- imported tables ---------------------------------------------------------------------------

-- How the records of an imported table were chosen: network, users, keywords or unknown. NULL for all else.
ALTER TABLE source ADD COLUMN drawn VARCHAR;

-- What its format says that a reader of an answer must know, a sentence a line.
ALTER TABLE source ADD COLUMN remarks VARCHAR;

-- Whether an imported table of records counts the interactions with its posts; NULL for all else.
ALTER TABLE source ADD COLUMN counts BOOLEAN;

-- How many interactions with a post an imported table counts; NULL where it does not say. Grain: one post.
CREATE TABLE imported_count (
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL,
    replies BIGINT,
    reposts BIGINT,
    quotes BIGINT,
    counted_at TIMESTAMP NOT NULL
);

-- --- collected topics -----------------------------------------------------------------------------

-- What was searched for. Grain: one source, query and slice of time.
CREATE TABLE searched (
    source VARCHAR NOT NULL,
    query VARCHAR NOT NULL,
    since TIMESTAMP NOT NULL,
    until TIMESTAMP NOT NULL,
    outcome VARCHAR NOT NULL,      -- done; halved: asked by its halves; cut: more than can be asked for
    hits BIGINT NOT NULL,
    matched BIGINT NOT NULL
);

-- How many interactions with a post the network counts; NULL where it did not say. Grain: one post.
CREATE TABLE network_count (
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL,
    replies BIGINT,
    reposts BIGINT,
    quotes BIGINT,
    counted_at TIMESTAMP NOT NULL
);

-- How far the interactions with a post were asked for: where to go on, NULL where they are all there. Grain: one
-- post and step.
CREATE TABLE closure (
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL,
    step VARCHAR NOT NULL,
    cursor VARCHAR
);

-- --- rollups ------------------------------------------------------------------------------------

-- Quotes of an account's posts by others, and what watched accounts quoted of others.
ALTER TABLE agent_day ADD COLUMN quotes_received INTEGER DEFAULT 0;

ALTER TABLE agent_day ALTER COLUMN quotes_received SET NOT NULL;

ALTER TABLE given_day ADD COLUMN quotes INTEGER DEFAULT 0;

ALTER TABLE given_day ALTER COLUMN quotes SET NOT NULL;

-- What posts of a topic quote, which may be why they belong to it: as in `record`.
ALTER TABLE topic_event ADD COLUMN quoted UINTEGER;

ALTER TABLE topic_event ADD COLUMN quoted_rkey BIGINT;
