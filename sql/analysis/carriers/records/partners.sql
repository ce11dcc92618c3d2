-- Whom a named account answered, reposted and quoted, and who answered, reposted and quoted it, as far as
-- $influence has that. A post that answers another account counts as an answer only, whomever it quotes,
-- so that each record is of one account. Grain: one way and account, in no order; without an account what
-- the named one wrote to nobody. Needs `counted_part`, and the temp table `named`.
WITH part AS (
    SELECT
        written = 1 AS is_own,
        collection,
        coalesce(quoted <> part.account AND (other IS NULL OR other = part.account), false) AS is_quote,
        CASE WHEN is_quote THEN quoted ELSE other END AS partner,
        replies_received,
        reposts_received,
        quotes_received
    FROM counted_part($influence) AS part
    JOIN named ON named.account = part.account
)

SELECT
    is_own,
    partner AS account,
    account.did,
    count_if(is_own AND collection = 'post' AND partner IS NULL)::BIGINT AS posts,
    count_if(is_own AND collection = 'post' AND partner IS NOT NULL AND NOT is_quote)::BIGINT AS replies,
    count_if(is_own AND collection = 'repost')::BIGINT AS reposts,
    count_if(is_quote)::BIGINT AS quotes,
    sum(replies_received)::BIGINT AS replies_received,
    sum(reposts_received)::BIGINT AS reposts_received,
    sum(quotes_received)::BIGINT AS quotes_received
FROM part
LEFT JOIN account ON account.id = partner
GROUP BY ALL
