-- Whom a named account answered and reposted, and who answered, reposted and quoted it, as far as
-- $influence has that. Grain: one way and account, in no order; without an account what the named one wrote
-- to nobody. Needs `counted_part`, and the temp table `named`.
SELECT
    written = 1 AS is_own,
    other AS account,
    account.did,
    sum((written = 1 AND collection = 'post' AND other IS NULL)::INTEGER)::BIGINT AS posts,
    sum((written = 1 AND collection = 'post' AND other IS NOT NULL)::INTEGER)::BIGINT AS replies,
    sum((written = 1 AND collection = 'repost')::INTEGER)::BIGINT AS reposts,
    sum(replies_received)::BIGINT AS replies_received,
    sum(reposts_received)::BIGINT AS reposts_received,
    sum(quotes_received)::BIGINT AS quotes_received
FROM counted_part($influence) AS part
JOIN named ON named.account = part.account
LEFT JOIN account ON account.id = other
GROUP BY ALL
