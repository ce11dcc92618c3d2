-- What others did with the posts of accounts, as tables count it. Grain: one account and UTC day of its posts.
-- Needs the temp table `counted_post`.
SELECT
    account,
    day,
    coalesce(sum(replies), 0)::BIGINT AS replies_received,
    coalesce(sum(reposts), 0)::BIGINT AS reposts_received,
    coalesce(sum(quotes), 0)::BIGINT AS quotes_received
FROM counted_post
WHERE counted_at IS NOT NULL
GROUP BY account, day
