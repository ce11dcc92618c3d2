-- What the store knows of how far its content can be trusted.

-- Where the time of a record comes from: the server that sent its event; an older server's times,
-- imported by an operator; the record key, if it is a TID; the record's `createdAt`; when it was
-- collected. Until this schema, all times were what the server had sent.
CREATE TYPE time_from AS ENUM ('server', 'imported', 'key', 'claimed', 'collected');

ALTER TABLE record ADD COLUMN time_from time_from DEFAULT 'server';

-- The earliest time that any source gives the record, where `event_time` is later. By this one it is decided
-- whether an account wrote something before it was deleted: it only gets earlier as more is known, so that
-- texts that are gone never had to stay, in any order of events.
ALTER TABLE record ADD COLUMN first_time TIMESTAMP;

-- Follows and reposts that repeat an earlier record: of those of one account that follow the same
-- account, or repost the same post, only the earliest that exists counts.
ALTER TABLE record ADD COLUMN is_repeat BOOLEAN DEFAULT false;

-- Grain: one record. At one time the lower key comes first, as in sql/store/commit/fold/relations.sql.
CREATE OR REPLACE TEMP TABLE known_repeat AS
SELECT place, collection, account, related.rkey, event_time, subject
FROM (
    SELECT
        rowid AS place, collection, account, rkey, event_time, subject,
        coalesce(subject_rkey, 0) AS post
    FROM record
    WHERE NOT removed AND (collection = 'follow' OR collection = 'repost' AND subject_rkey IS NOT NULL)
) AS related
SEMI JOIN (
    SELECT collection, account, subject, coalesce(subject_rkey, 0) AS post
    FROM record
    WHERE NOT removed AND (collection = 'follow' OR collection = 'repost' AND subject_rkey IS NOT NULL)
    GROUP BY ALL
    HAVING count(*) > 1
) AS several USING (collection, account, subject, post)
LEFT JOIN record_key ON record_key.id = related.rkey
QUALIFY row_number() OVER (
    PARTITION BY collection, account, subject, post
    ORDER BY event_time, record_key.rkey NULLS FIRST, related.rkey
) > 1;

UPDATE record
SET is_repeat = true
WHERE rowid IN (SELECT place FROM known_repeat);

-- They are taken off the summaries of their days.
CREATE OR REPLACE TEMP TABLE summarised_repeat AS
SELECT known_repeat.*, day
FROM known_repeat
JOIN stored_day ON day = event_time::DATE
WHERE summarised;

INSERT INTO agent_day
SELECT
    day, who, 0, 0, 0, -sum(reposts)::INTEGER, 0, -sum(reposts_received)::INTEGER,
    -sum(follows_received)::INTEGER
FROM (
    SELECT day, account AS who, 1 AS reposts, 0 AS reposts_received, 0 AS follows_received
    FROM summarised_repeat
    WHERE collection = 'repost'
    UNION ALL
    SELECT
        day, subject, 0, (collection = 'repost')::INTEGER, (collection = 'follow')::INTEGER
    FROM summarised_repeat
    WHERE subject <> account
)
GROUP BY day, who;

INSERT INTO given_day
SELECT
    day, account, subject, 0, -count(*) FILTER (collection = 'repost')::INTEGER,
    -count(*) FILTER (collection = 'follow')::INTEGER
FROM summarised_repeat
WHERE subject <> account AND account IN (SELECT account FROM watched)
GROUP BY day, account, subject;

DELETE FROM topic_event
WHERE (collection, account, rkey) IN (SELECT collection, account, rkey FROM summarised_repeat);

DELETE FROM pending
WHERE (collection, account, rkey) IN (SELECT collection, account, rkey FROM summarised_repeat);

DROP TABLE summarised_repeat;

DROP TABLE known_repeat;

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

-- What only the last commit wrote, so that a writer notices another copy in the place of the store. One
-- row.
CREATE TABLE last_commit (mark UUID NOT NULL);

INSERT INTO last_commit VALUES (gen_random_uuid());

-- How a stream is taken up. `mark` tells the event at a source's position from another that has the
-- same number: a server that crashed numbers its last events anew. `stalled` counts connections in a
-- row that brought events, but none beyond the position.
ALTER TABLE source ADD COLUMN mark BIGINT;

ALTER TABLE source ADD COLUMN stalled BIGINT DEFAULT 0;

-- The accounts that a reading of an archive was limited to, so that none is fetched twice. Grain: one
-- source and account.
CREATE TABLE source_account (
    source VARCHAR NOT NULL,
    did VARCHAR NOT NULL
);

-- Events of a relay whose time was out of bounds: it is the bound (blueattr/decode/binary/relay_times.py).
ALTER TABLE source ADD COLUMN bounded BIGINT DEFAULT 0;

-- Events that are kept although they lay ahead of the clock when they were read, which was taken to be
-- wrong: their times cannot be trusted.
ALTER TABLE source ADD COLUMN ahead BIGINT DEFAULT 0;

-- Revisions and times that lie ahead of the clock would win over all that follows. Until this schema they
-- were taken; now they are as of the time of the event, or of this migration, so that what follows wins.
-- Where the clock is of before any store, it says nothing. A revision is a TID: microseconds and ten bits.
UPDATE record
SET rev = (epoch_us(least(coalesce(event_time, now()::TIMESTAMP), now()::TIMESTAMP)) << 10)::UBIGINT
WHERE rev >= ((epoch_us(now()::TIMESTAMP) + 300_000_000) << 10)::UBIGINT
    AND now() >= TIMESTAMPTZ '2026-01-01 00:00:00+00';

UPDATE profile
SET rev = array_to_string(
    list_transform(
        range(12, -1, -1),
        lambda place: substr(
            '234567abcdefghijklmnopqrstuvwxyz',
            (((epoch_us(now()::TIMESTAMP) << 10) >> (5 * place)) & 31)::INTEGER + 1, 1
        )
    ),
    ''
)
WHERE tid_number(rev) >= ((epoch_us(now()::TIMESTAMP) + 300_000_000) << 10)::UBIGINT
    AND now() >= TIMESTAMPTZ '2026-01-01 00:00:00+00';

UPDATE handle
SET event_time = now()::TIMESTAMP
WHERE event_time > now()::TIMESTAMP + INTERVAL 5 MINUTE
    AND now() >= TIMESTAMPTZ '2026-01-01 00:00:00+00';

UPDATE account_status
SET event_time = now()::TIMESTAMP
WHERE event_time > now()::TIMESTAMP + INTERVAL 5 MINUTE
    AND now() >= TIMESTAMPTZ '2026-01-01 00:00:00+00';

UPDATE plc
SET handle_time = now()::TIMESTAMP
WHERE handle_time > now()::TIMESTAMP + INTERVAL 5 MINUTE
    AND now() >= TIMESTAMPTZ '2026-01-01 00:00:00+00';

-- Order-free sums of the hashes of rows, by which it is noticed if the file was changed by anything but a
-- commit. Each commit keeps them. Grain: one table; of records one UTC day, NULL for what was only seen
-- deleted.
CREATE TABLE row_sum (
    name VARCHAR NOT NULL,
    day DATE,
    rows BIGINT NOT NULL,
    total HUGEINT NOT NULL
);

-- The hash of a known row: if another release of the engine makes another of it, sums are taken anew. One
-- row, from the first sums on.
CREATE TABLE row_hash (known UBIGINT NOT NULL);

-- Until this schema, samples of rejected lines were their beginnings, with words of accounts that may have
-- left since. Now they are shapes (blueattr/decode/shapes.py), which cannot be made of a beginning.
UPDATE rejected_sample
SET sample = ''
WHERE sample <> '';
