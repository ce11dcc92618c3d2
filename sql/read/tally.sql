-- Who was active in the window, and who was followed. Grain: one account, with the number of its
-- records and of the follows it received. Summaries serve $first to $last. Needs the temp tables
-- `fresh_day` and `gone_day`. Accounts that are gone are in it: that they were active is known, and
-- what they did is nobody's who counts.
CREATE OR REPLACE TEMP TABLE tally AS
SELECT
    account,
    sum(records)::BIGINT AS records,
    sum(follows_received)::BIGINT AS follows_received
FROM (
    SELECT account, records, follows_received
    FROM agent_day
    WHERE day BETWEEN $first AND $last
    UNION ALL
    SELECT account, records, follows_received
    FROM fresh_day
    UNION ALL
    SELECT subject, 0, -follows
    FROM gone_day
)
GROUP BY account
