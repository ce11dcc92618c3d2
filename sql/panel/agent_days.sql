-- What each account did and received on a topic, and the follows it received. Grain: one account
-- and UTC day with anything to count. Follows are global; the rest is of the topic. Summaries
-- serve $first to $last. In: one of $parts parts of the accounts, $part. Needs the temp tables
-- `window_event`, `inactive`, `fresh_day` and `void_gift`.
SELECT
    account,
    day,
    sum(posts)::BIGINT AS posts,
    sum(replies)::BIGINT AS replies,
    sum(reposts)::BIGINT AS reposts,
    sum(replies_received)::BIGINT AS replies_received,
    sum(reposts_received)::BIGINT AS reposts_received,
    sum(follows_received)::BIGINT AS follows_received,
    sum(quotes_received)::BIGINT AS quotes_received
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
WHERE account NOT IN (SELECT account FROM inactive) AND account % $parts = $part
GROUP BY account, day
HAVING sum(posts) <> 0 OR sum(replies) <> 0 OR sum(reposts) <> 0
    OR sum(replies_received) <> 0 OR sum(reposts_received) <> 0 OR sum(follows_received) <> 0
    OR sum(quotes_received) <> 0
