-- What each account did and received in the window. Grain: one account. Summaries serve $first to
-- $last. Needs the temp tables `inactive`, `fresh_day` and `gone_day`.
SELECT
    account,
    sum(posts)::BIGINT AS posts,
    sum(replies)::BIGINT AS replies,
    sum(reposts)::BIGINT AS reposts,
    sum(replies_received)::BIGINT AS replies_received,
    sum(reposts_received)::BIGINT AS reposts_received,
    sum(follows_received)::BIGINT AS follows_received
FROM (
    SELECT * EXCLUDE (day, records)
    FROM agent_day
    WHERE day BETWEEN $first AND $last
    UNION ALL
    SELECT * EXCLUDE (day, records)
    FROM fresh_day
    UNION ALL
    SELECT subject, 0, 0, 0, -replies, -reposts, -follows
    FROM gone_day
)
WHERE account NOT IN (SELECT account FROM inactive)
GROUP BY account
