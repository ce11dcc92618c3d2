-- Rollups: what each day comes to, so that a window costs agent-days and not events. They say
-- nothing that the records do not; what changes in a summarised day is corrected in the commit that
-- changes it.

-- The days that records fall on. Grain: one UTC day.
CREATE TABLE stored_day (
    day DATE NOT NULL,
    first_event TIMESTAMP NOT NULL,  -- no record of the day is before it
    last_event TIMESTAMP NOT NULL,   -- nor after it
    summarised BOOLEAN NOT NULL,     -- whether the tables below hold it
    records BIGINT NOT NULL,         -- when it was summarised
    corrected BIGINT NOT NULL        -- of them or beside them, since then
);

INSERT INTO stored_day
SELECT event_time::DATE AS day, min(event_time), max(event_time), false, 0, 0
FROM record
WHERE NOT removed
GROUP BY day;

-- What accounts did and received. Grain: rows add up, by day and account; a correction is a row,
-- and may be negative. Interactions with oneself do not count as received.
CREATE TABLE agent_day (
    day DATE NOT NULL,
    account UINTEGER NOT NULL,
    records INTEGER NOT NULL,        -- of any kind, follows included
    posts INTEGER NOT NULL,
    replies INTEGER NOT NULL,
    reposts INTEGER NOT NULL,
    replies_received INTEGER NOT NULL,
    reposts_received INTEGER NOT NULL,
    follows_received INTEGER NOT NULL
);

-- Accounts that were ever deleted, taken down or suspended, and what others received from them: in
-- a window that ends after that, it does not count. Grain: rows add up, by day, account and subject.
CREATE TABLE watched (account UINTEGER NOT NULL);

CREATE TABLE given_day (
    day DATE NOT NULL,
    account UINTEGER NOT NULL,       -- who gave
    subject UINTEGER NOT NULL,       -- who received
    replies INTEGER NOT NULL,
    reposts INTEGER NOT NULL,
    follows INTEGER NOT NULL
);

-- What is matched on summarised days, each for all of them.
CREATE TABLE topic (
    id USMALLINT NOT NULL,
    rule VARCHAR NOT NULL            -- as blueattr/store/rollups.py writes it: an edited topic is another
);

-- Posts, replies and reposts of summarised days that match a topic, or answer or repost a post
-- that does, or are in its thread. Grain: one topic and record. What no longer hangs on a match is
-- left in: who asks looks whether the match is there and in the window.
CREATE TABLE topic_event (
    topic USMALLINT NOT NULL,
    own BOOLEAN NOT NULL,            -- whether its own words match
    collection collection NOT NULL,
    event_time TIMESTAMP NOT NULL,
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL,
    subject UINTEGER,
    subject_rkey BIGINT,
    root UINTEGER,
    root_rkey BIGINT
);

-- Posts, replies and reposts of summarised days that came or changed since, and are not yet in
-- topic_event. Grain: one record.
CREATE TABLE pending (
    collection collection NOT NULL,
    event_time TIMESTAMP NOT NULL,
    account UINTEGER NOT NULL,
    rkey BIGINT NOT NULL
);
