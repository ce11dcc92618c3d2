-- Tables of posts as people publish them: an address, a text, perhaps a time, and counts.
-- drawn: unknown
-- table: posts
-- columns: uri, did?, author_did?, author?, handle?, created_at?, text?, reply_to?, langs?, reply_count?
-- columns: repost_count?, quote_count?
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
FROM input
