-- Minet: posts that its command line collected, as CSV; one row may be a post and a repost of it.
-- drawn: keywords
-- table: posts
-- columns: uri, user_did, timestamp_utc, indexed_at_utc?, text?, to_post_uri?, to_user_did?, to_root_post_uri?
-- columns: repost_by_user_did?, repost_timestamp_utc?, quoted_uri?, quoted_user_did?, domains?, hashtags?
-- columns: mentioned_user_dids?, user_langs?
-- example: {"uri": "at://did:plc:ann2ann2ann2ann2ann2ann2/app.bsky.feed.post/3ki2ann22222k",
-- example: "user_did": "did:plc:ann2ann2ann2ann2ann2ann2", "user_handle": "ann.example",
-- example: "timestamp_utc": "2024-01-02T10:00:00", "indexed_at_utc": "2024-01-02T10:00:01", "text": "I like pears",
-- example: "repost_by_user_did": "did:plc:bob2bob2bob2bob2bob2bob2", "repost_timestamp_utc": "2024-01-02T11:00:00"}
-- Times are those at which the operator's server indexed a record; where there is none, what the author claims.
SELECT unnest(list_filter([
    {
        'actor': user_did,
        'kind': 'post',
        'record': uri,
        'time': coalesce(indexed_at_utc, timestamp_utc),
        'time_from': CASE WHEN indexed_at_utc IS NULL THEN 'claimed' ELSE 'imported' END,
        'parent': to_post_uri,
        'parent_actor': to_user_did,
        'root': to_root_post_uri,
        'subject': NULL,
        'quoted': quoted_uri,
        'quoted_actor': quoted_user_did,
        'text': text,
        'tags': hashtags,
        'langs': user_langs,
        'links': array_to_string(
            list_transform(regexp_extract_all(domains, '[^|,; ]+'), lambda host: 'https://' || host), ' '
        ),
        'mentions': mentioned_user_dids
    },
    {
        'actor': repost_by_user_did,
        'kind': 'repost',
        'record': 'repost:' || uri,
        'time': repost_timestamp_utc,
        'time_from': 'imported',
        'parent': NULL,
        'parent_actor': NULL,
        'root': NULL,
        'subject': uri,
        'quoted': NULL,
        'quoted_actor': NULL,
        'text': NULL,
        'tags': NULL,
        'langs': NULL,
        'links': NULL,
        'mentions': NULL
    }
], lambda record: record.actor IS NOT NULL), recursive := true)
FROM input;

-- table: accounts
-- of: posts
-- columns: user_did, user_handle?, repost_by_user_did?, repost_by_user_handle?
-- gives: accounts
SELECT unnest(list_filter([
    {'actor': user_did, 'handle': user_handle},
    {'actor': repost_by_user_did, 'handle': repost_by_user_handle}
], lambda account: account.actor IS NOT NULL), recursive := true)
FROM input
