-- at-snapshot: the whole network at one moment, as Parquet tables that refer to accounts and posts by numbers.
-- drawn: network
-- table: actors
-- files: *actors*
-- columns: did_id, did
-- example: {"did_id": 1, "did": "did:plc:ann2ann2ann2ann2ann2ann2", "active": true}
-- example: {"did_id": 2, "did": "did:plc:bob2bob2bob2bob2bob2bob2", "active": true}
-- gives: lookup

-- table: posts
-- files: *posts*
-- columns: uri_id, author_did_id, rkey, created_at, reply_root_uri_id, reply_parent_uri_id, quote_uri_id
-- needs: actors, posts
-- example: {"uri_id": 7, "author_did_id": 1, "rkey": "3ki2ann22222k", "created_at": "2024-01-02 10:00:00",
-- example: "reply_root_uri_id": null, "reply_parent_uri_id": null, "quote_uri_id": null}
-- note: The snapshot has no texts: no topic matches, and questions are about all records (--topic all).
WITH place AS (
    SELECT uri_id, 'at://' || did || '/app.bsky.feed.post/' || rkey AS uri
    FROM posts
    JOIN actors ON did_id = author_did_id
)
SELECT
    'at://' || actors.did || '/app.bsky.feed.post/' || input.rkey AS record,
    CASE WHEN reply_parent_uri_id IS NOT NULL THEN 'reply' ELSE 'post' END AS kind,
    created_at AS time,
    parents.uri AS parent,
    roots.uri AS root,
    quotes.uri AS quoted
FROM input
JOIN actors ON actors.did_id = author_did_id
LEFT JOIN place AS parents ON parents.uri_id = reply_parent_uri_id
LEFT JOIN place AS roots ON roots.uri_id = reply_root_uri_id
LEFT JOIN place AS quotes ON quotes.uri_id = quote_uri_id;

-- table: reposts
-- files: *reposts*
-- columns: actor_did_id, subject_uri_id, rkey, created_at
-- needs: actors, posts
-- example: {"actor_did_id": 2, "subject_uri_id": 7, "rkey": "3ki2bob22222k", "created_at": "2024-01-02 11:00:00"}
SELECT
    'at://' || actors.did || '/app.bsky.feed.repost/' || input.rkey AS record,
    input.created_at AS time,
    'at://' || authors.did || '/app.bsky.feed.post/' || posts.rkey AS subject
FROM input
JOIN actors ON actors.did_id = actor_did_id
LEFT JOIN posts ON posts.uri_id = subject_uri_id
LEFT JOIN actors AS authors ON authors.did_id = posts.author_did_id;

-- table: follows
-- files: *follows*
-- columns: src_did_id, dst_did_id, rkey, created_at
-- needs: actors
-- example: {"src_did_id": 2, "dst_did_id": 1, "rkey": "3ki2bob33333k", "created_at": "2024-01-02 12:00:00"}
SELECT
    'at://' || actors.did || '/app.bsky.graph.follow/' || rkey AS record,
    created_at AS time,
    followed.did AS subject
FROM input
JOIN actors ON actors.did_id = src_did_id
LEFT JOIN actors AS followed ON followed.did_id = dst_did_id;

-- table: aggregates
-- files: *aggs*
-- columns: did_id, followers
-- example: {"did_id": 1, "followers": 12}
-- needs: actors
-- gives: accounts
-- note: Follower counts of the snapshot are of the time of its file; --popularity followers takes them.
SELECT did AS actor, followers
FROM input
JOIN actors USING (did_id)
