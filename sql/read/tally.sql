-- What each account did and received in the window, of which summaries serve $first to $last. Grain:
-- one account. Needs the temp tables `fresh_day` and `gone_day`. Accounts that are gone are in it: that they were active is
-- known, and what they did is nobody's who counts.
CREATE OR REPLACE TEMP TABLE tally AS
SELECT
    account,
    sum(records)::BIGINT AS records,
    sum(posts)::BIGINT AS posts,
    sum(replies)::BIGINT AS replies,
    sum(reposts)::BIGINT AS reposts,
    sum(replies_received)::BIGINT AS replies_received,
    sum(reposts_received)::BIGINT AS reposts_received,
    sum(follows_received)::BIGINT AS follows_received
FROM (
    SELECT * EXCLUDE (day)
    FROM agent_day
    WHERE day BETWEEN $first AND $last
    UNION ALL
    SELECT * EXCLUDE (day)
    FROM fresh_day
    UNION ALL
    SELECT subject, 0, 0, 0, 0, -replies, -reposts, -follows
    FROM gone_day
)
GROUP BY account
