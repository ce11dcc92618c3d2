-- How many interactions with the collected posts that happened from $start on, before $end, the network counts,
-- how many of these are there, and how many are there beyond what it counts. A post of which it does not count
-- a kind says nothing of that. Grain: one UTC day of the posts.
WITH post AS MATERIALIZED (
    SELECT network_count.*, event_time::DATE AS day
    FROM network_count
    JOIN record USING (account, rkey)
    WHERE collection = 'post' AND NOT removed AND event_time >= $start AND event_time < $end
), answer AS (
    SELECT subject AS account, subject_rkey AS rkey, count(*) AS found
    FROM record
    SEMI JOIN post ON post.account = record.subject AND post.rkey = record.subject_rkey
    WHERE collection = 'post' AND NOT removed
    GROUP BY ALL
), repost AS (
    SELECT subject AS account, subject_rkey AS rkey, count(*) AS found
    FROM record
    SEMI JOIN post ON post.account = record.subject AND post.rkey = record.subject_rkey
    WHERE collection = 'repost' AND NOT removed AND NOT is_repeat
    GROUP BY ALL
), quote AS (
    SELECT quoted AS account, quoted_rkey AS rkey, count(*) AS found
    FROM record
    SEMI JOIN post ON post.account = record.quoted AND post.rkey = record.quoted_rkey
    WHERE quoted IS NOT NULL AND NOT removed
    GROUP BY ALL
), kind AS (
    SELECT day, 'replies' AS kind, replies AS counted, coalesce(found, 0) AS found
    FROM post
    LEFT JOIN answer USING (account, rkey)
    UNION ALL
    SELECT day, 'reposts', reposts, coalesce(found, 0)
    FROM post
    LEFT JOIN repost USING (account, rkey)
    UNION ALL
    SELECT day, 'quotes', quotes, coalesce(found, 0)
    FROM post
    LEFT JOIN quote USING (account, rkey)
)
SELECT
    day,
    kind,
    sum(least(found, counted))::BIGINT AS found,
    sum(counted)::BIGINT AS counted,
    sum(greatest(found - counted, 0))::BIGINT AS surplus
FROM kind
WHERE counted IS NOT NULL
GROUP BY day, kind
ORDER BY day, kind
