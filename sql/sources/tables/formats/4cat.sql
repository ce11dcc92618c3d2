-- 4CAT: posts that its Bluesky data source collected, as NDJSON or CSV, with counts in place of events.
-- drawn: keywords
-- table: posts
-- columns: id, created_at?, author?, author_id, body, tags?, quoted_post?, replied_to_post?, mentions?, links?
-- columns: labels?, languages?, timestamp?, reply_count?, repost_count?, quote_count?
-- example: {"id": "3ki2ann22222k", "author": "ann.example", "author_id": "did:plc:ann2ann2ann2ann2ann2ann2",
-- example: "created_at": "2024-01-02T10:00:00.000Z", "body": "I like pears", "languages": "en", "reply_count": 2,
-- example: "repost_count": 4, "quote_count": 0, "author_created_at": "2023-05-01T08:00:00Z"}
-- Posts come with counts of replies, reposts and quotes, not with the events behind them.
WITH named AS (
    SELECT
        *,
        CASE
            WHEN regexp_full_match(id, '[234567ab][2-7a-z]{12}') AND starts_with(author_id, 'did:')
                THEN 'at://' || author_id || '/app.bsky.feed.post/' || id
            ELSE id
        END AS record
    FROM input
)
SELECT
    author_id AS actor,
    'post' AS kind,
    record,
    coalesce(created_at, timestamp) AS time,
    body AS text,
    tags,
    languages AS langs,
    links,
    mentions,
    labels,
    reply_count AS replies,
    repost_count AS reposts,
    quote_count AS quotes,
    regexp_replace(
        replied_to_post, '^https://bsky\.app/profile/(did:[^/]+)/post/([^/?#]+).*$',
        'at://\1/app.bsky.feed.post/\2'
    ) AS parent,
    regexp_replace(
        quoted_post, '^https://bsky\.app/profile/(did:[^/]+)/post/([^/?#]+).*$',
        'at://\1/app.bsky.feed.post/\2'
    ) AS quoted
FROM named;

-- table: accounts
-- of: posts
-- columns: author_id, author?, author_created_at?
-- gives: accounts
SELECT
    author_id AS actor,
    author AS handle,
    author_created_at AS created
FROM input
