-- Tables of posts as people publish them: an address, a text, perhaps a time, and counts.
-- drawn: unknown
-- table: posts
-- columns: uri, did?, author_did?, author?, handle?, created_at?, text?, reply_to?, langs?, reply_count?
-- columns: repost_count?, quote_count?
-- example: {"uri": "at://did:plc:ann2ann2ann2ann2ann2ann2/app.bsky.feed.post/3ki2ann22222k",
-- example: "handle": "ann.example", "text": "I like pears", "reply_count": 2}
-- An address alone gives the author, and the time of its key. A handle is no identifier: it is taken only where
-- nothing else says who wrote a post.
SELECT
    CASE WHEN starts_with(uri, 'at://did:') THEN NULL
        ELSE coalesce(did, author_did, author, handle)
    END AS actor,
    CASE WHEN starts_with(uri, 'at://did:') THEN NULL ELSE 'post' END AS kind,
    uri AS record,
    created_at AS time,
    text,
    langs,
    reply_to AS parent,
    reply_count AS replies,
    repost_count AS reposts,
    quote_count AS quotes
FROM input;

-- table: accounts
-- of: posts
-- columns: uri, did?, author_did?, handle?
-- gives: accounts
-- Where the handle is not all that names who wrote a post, it is the handle of that account.
SELECT
    actor,
    handle
FROM (
    SELECT
        coalesce(nullif(regexp_extract(uri, '^at://(did:[^/]+)', 1), ''), did, author_did) AS actor,
        handle
    FROM input
)
WHERE actor IS NOT NULL AND handle IS NOT NULL
