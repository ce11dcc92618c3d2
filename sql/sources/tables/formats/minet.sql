-- Minet: posts that its command line collected, as CSV; one row may be a post and a repost of it.
-- drawn: keywords
-- table: posts
-- columns: uri, user_did, timestamp_utc, indexed_at_utc?, text?, to_post_uri?, to_user_did?, to_root_post_uri?
-- columns: repost_by_user_did?, repost_timestamp_utc?, quoted_uri?, quoted_user_did?, domains?, hashtags?
-- columns: mentioned_user_dids?, user_langs?
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
FROM input
