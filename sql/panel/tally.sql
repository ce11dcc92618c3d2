-- Records that accounts made in the window and follows that they received. Grain: rows add up, by
-- account. Summaries serve $first to $last. Needs the temp tables `fresh_day` and `void_gift`. Accounts
-- that are gone are in it: that they were active is known, and what they did is nobody's who counts.
SELECT account, records, follows_received
FROM agent_day
WHERE day BETWEEN $first AND $last
UNION ALL
SELECT account, records, follows_received
FROM fresh_day
UNION ALL
SELECT subject, 0, -follows
FROM void_gift
