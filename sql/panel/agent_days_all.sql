-- What each account did and received. Grain: one account and UTC day with anything to count.
-- Summaries serve $first to $last. In: one of $parts parts of the accounts, $part. Needs the temp tables
-- `inactive`, `fresh_day` and `void_gift`.
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
    FROM agent_day
    WHERE day BETWEEN $first AND $last
    UNION ALL
    FROM fresh_day
    UNION ALL
    SELECT day, subject, 0, 0, 0, 0, -replies, -reposts, -follows, -quotes
    FROM void_gift
)
WHERE account NOT IN (SELECT account FROM inactive) AND account % $parts = $part
GROUP BY account, day
HAVING sum(posts) <> 0 OR sum(replies) <> 0 OR sum(reposts) <> 0
    OR sum(replies_received) <> 0 OR sum(reposts_received) <> 0 OR sum(follows_received) <> 0
    OR sum(quotes_received) <> 0
