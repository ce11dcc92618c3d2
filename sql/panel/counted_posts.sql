-- How many posts there are, how many have counts, of which kinds, and when these were counted. One row. Needs the
-- temp table `counted_post`.
SELECT
    count(*) AS posts,
    count(counted_at) AS counted,
    count(replies) > 0 AS replies,
    count(reposts) > 0 AS reposts,
    count(quotes) > 0 AS quotes,
    min(counted_at) AS first,
    max(counted_at) AS last
FROM counted_post
