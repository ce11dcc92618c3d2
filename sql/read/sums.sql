-- What each account did and received on a topic, and the follows it received, in the window. Grain:
-- one account. Follows are global; the rest is of the topic. Needs the temp tables `counted`,
-- `inactive` and `tally`.
SELECT
    account,
    coalesce(posts, 0) AS posts,
    coalesce(replies, 0) AS replies,
    coalesce(reposts, 0) AS reposts,
    coalesce(replies_received, 0) AS replies_received,
    coalesce(reposts_received, 0) AS reposts_received,
    coalesce(follows_received, 0) AS follows_received
FROM (
    SELECT
        account,
        count(*) FILTER (what = 'post') AS posts,
        count(*) FILTER (what = 'reply') AS replies,
        count(*) FILTER (what = 'repost') AS reposts,
        count(*) FILTER (what = 'reply received') AS replies_received,
        count(*) FILTER (what = 'repost received') AS reposts_received
    FROM (
        SELECT account, kind AS what
        FROM counted
        UNION ALL
        SELECT subject, kind || ' received'
        FROM counted
        WHERE subject <> account
    )
    GROUP BY account
)
FULL JOIN (
    SELECT account, follows_received
    FROM tally
    WHERE follows_received <> 0
) USING (account)
WHERE account NOT IN (SELECT account FROM inactive)
