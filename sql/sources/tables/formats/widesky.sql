-- Widesky: a dump of a Postgres database of users, posts and reposts, as CSV or Parquet.
-- drawn: network
-- table: users
-- files: *users*
-- columns: did, first_known_as?, also_known_as?
-- example: {"did": "did:plc:ann2ann2ann2ann2ann2ann2", "first_known_as": "ann.example",
-- example: "also_known_as": "at://ann.example"}
-- gives: accounts
SELECT
    did AS actor,
    -- The first that is a handle, as of the directory's aliases.
    list_filter(
        list_transform(
            regexp_split_to_array(coalesce(also_known_as, first_known_as), '[\s,;|\[\]{}''"]+'),
            lambda word: regexp_replace(word, '^at://', '')
        ),
        lambda name: strlen(name) <= 253 AND regexp_full_match(
            name, '([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
        )
    )[1] AS handle
FROM input;

-- table: posts
-- files: *posts*
-- columns: cid, created_at, did, text, langs?, facets?, is_reply?, reply_root_uri, reply_parent_uri
-- example: {"cid": "bafyann", "created_at": "2024-01-02 10:00:00+00", "did": "did:plc:ann2ann2ann2ann2ann2ann2",
-- example: "text": "I like pears", "langs": "{en}", "reply_root_uri": null, "reply_parent_uri": null}
-- note: Posts are known by their contents (cid), and what answers or reposts one by its address: who answered whom
-- note: is known, but not which post. So replies and reposts count for a topic only by their own texts.
SELECT
    did AS actor,
    'post' AS kind,
    cid AS record,
    created_at AS time,
    text,
    langs,
    reply_parent_uri AS parent,
    reply_root_uri AS root,
    CASE WHEN json_valid(facets) THEN array_to_string(facets ->> '$[*].features[*].tag', ' ') END AS tags,
    CASE WHEN json_valid(facets) THEN array_to_string(facets ->> '$[*].features[*].uri', ' ') END AS links,
    CASE WHEN json_valid(facets) THEN array_to_string(facets ->> '$[*].features[*].did', ' ') END AS mentions
FROM input;

-- table: reposts
-- files: *reposts*
-- columns: cid, created_at, did, subject_uri
-- example: {"cid": "bafybob", "created_at": "2024-01-02 11:00:00+00", "did": "did:plc:bob2bob2bob2bob2bob2bob2",
-- example: "subject_uri": "at://did:plc:ann2ann2ann2ann2ann2ann2/app.bsky.feed.post/3ki2ann22222k"}
SELECT
    did AS actor,
    'repost' AS kind,
    cid AS record,
    created_at AS time,
    subject_uri AS subject
FROM input
