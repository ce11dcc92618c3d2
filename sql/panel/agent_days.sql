-- What accounts with numbers from $low to below $past did and received on a topic, and the follows they
-- received, on days from $begin on. Grain: rows add up, by account and day. Follows are global; the rest is of
-- the topic. Summaries serve $first to $last. Needs the temp tables `window_event`, `fresh_day` and `void_gift`.
SELECT
    account,
    (day - $begin::DATE)::UINTEGER AS day,
    posts, replies, reposts, replies_received, reposts_received, follows_received, quotes_received
FROM (
    SELECT
        account,
        day,
        (kind = 'post')::INTEGER AS posts,
        (kind = 'reply')::INTEGER AS replies,
        (kind = 'repost')::INTEGER AS reposts,
        0 AS replies_received,
        0 AS reposts_received,
        0 AS follows_received,
        0 AS quotes_received
    FROM window_event
    UNION ALL
    SELECT subject, day, 0, 0, 0, (kind = 'reply')::INTEGER, (kind = 'repost')::INTEGER, 0, 0
    FROM window_event
    WHERE subject <> account
    UNION ALL
    SELECT quoted, day, 0, 0, 0, 0, 0, 0, 1
    FROM window_event
    WHERE quoted <> account
    UNION ALL
    SELECT account, day, 0, 0, 0, 0, 0, follows_received, 0
    FROM agent_day
    WHERE follows_received <> 0 AND day BETWEEN $first AND $last
    UNION ALL
    SELECT account, day, 0, 0, 0, 0, 0, follows_received, 0
    FROM fresh_day
    WHERE follows_received <> 0
    UNION ALL
    SELECT subject, day, 0, 0, 0, 0, 0, -follows, 0
    FROM void_gift
    WHERE follows <> 0
)
WHERE account >= $low AND account < $past AND day BETWEEN $begin AND $final
