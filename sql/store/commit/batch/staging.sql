-- What is decoded and waits for a commit: two tables, empty.

-- Event rows between a decoder and the store. Every source fills this shape; see blueattr/decode/cut_lines.py
-- for the meaning of each column. Grain: one accepted event. In memory (spills beside the store).
CREATE OR REPLACE TEMP TABLE staged (
    kind VARCHAR,           -- post | repost | follow | profile | identity | account
    did VARCHAR,
    event_time TIMESTAMP,
    time_from VARCHAR,      -- server | imported | key | claimed | collected; NULL for the server
    operation VARCHAR,      -- create | update | delete; NULL for identity and account
    rkey VARCHAR,
    rev VARCHAR,
    subject_did VARCHAR,
    subject_rkey VARCHAR,
    root_did VARCHAR,
    root_rkey VARCHAR,
    other_did VARCHAR,      -- of the post that a post quotes, or the repost by which a repost was found
    other_rkey VARCHAR,
    text VARCHAR,
    tags VARCHAR[],
    title VARCHAR,
    langs VARCHAR,          -- each once, as they stand, with a space between
    domains VARCHAR[],
    mention_dids VARCHAR[],
    labels VARCHAR,         -- of a post or profile, sorted, with a space between
    bot BOOLEAN,
    handle VARCHAR,
    active BOOLEAN,
    status VARCHAR
);

-- Operations of the PLC directory between the decoder and the store. Grain: one operation.
CREATE OR REPLACE TEMP TABLE staged_plc (
    did VARCHAR,
    event_time TIMESTAMP,
    handle VARCHAR,
    host VARCHAR
);
