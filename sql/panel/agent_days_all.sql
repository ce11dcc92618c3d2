-- What accounts with numbers from $low to below $past did and received, on days from $begin on. Grain: rows add
-- up, by account and day. Summaries serve $first to $last. Needs the temp tables `fresh_day` and `void_gift`.
SELECT
    account,
    (day - $begin::DATE)::UINTEGER AS day,
    posts, replies, reposts, replies_received, reposts_received, follows_received, quotes_received
FROM (
    SELECT
        day, account, posts, replies, reposts, replies_received, reposts_received, follows_received,
        quotes_received
    FROM agent_day
    WHERE day BETWEEN $first AND $last
    UNION ALL
    SELECT
        day, account, posts, replies, reposts, replies_received, reposts_received, follows_received,
        quotes_received
    FROM fresh_day
    UNION ALL
    SELECT day, subject, 0, 0, 0, -replies, -reposts, -follows, -quotes
    FROM void_gift
)
WHERE account >= $low AND account < $past AND day BETWEEN $begin AND $final
