-- What accounts with numbers from $low to below $past did and received in the window. Grain: rows
-- add up, by account. Summaries serve $first to $last. Needs the temp tables `fresh_day` and
-- `void_gift`.
SELECT
    account, posts, replies, reposts, replies_received, reposts_received, follows_received,
    quotes_received
FROM agent_day
WHERE day BETWEEN $first AND $last AND account >= $low AND account < $past
UNION ALL
SELECT
    account, posts, replies, reposts, replies_received, reposts_received, follows_received,
    quotes_received
FROM fresh_day
WHERE account >= $low AND account < $past
UNION ALL
SELECT subject, 0, 0, 0, -replies, -reposts, -follows, -quotes
FROM void_gift
WHERE subject >= $low AND subject < $past
