-- Take what was off the summaries, and add what is. Grain: one day and account.
INSERT INTO agent_day
SELECT
    day,
    who,
    sum(records)::INTEGER AS records,
    sum(posts)::INTEGER AS posts,
    sum(replies)::INTEGER AS replies,
    sum(reposts)::INTEGER AS reposts,
    sum(replies_received)::INTEGER AS replies_received,
    sum(reposts_received)::INTEGER AS reposts_received,
    sum(follows_received)::INTEGER AS follows_received
FROM (
    SELECT
        day,
        account AS who,
        sign AS records,
        CASE WHEN collection = 'post' AND subject IS NULL THEN sign ELSE 0 END AS posts,
        CASE WHEN collection = 'post' AND subject IS NOT NULL THEN sign ELSE 0 END AS replies,
        CASE WHEN collection = 'repost' THEN sign ELSE 0 END AS reposts,
        0 AS replies_received,
        0 AS reposts_received,
        0 AS follows_received
    FROM touched
    UNION ALL
    SELECT
        day,
        subject,
        0,
        0,
        0,
        0,
        CASE WHEN collection = 'post' THEN sign ELSE 0 END,
        CASE WHEN collection = 'repost' THEN sign ELSE 0 END,
        CASE WHEN collection = 'follow' THEN sign ELSE 0 END
    FROM touched
    WHERE subject <> account
)
GROUP BY day, who
HAVING sum(records) <> 0
    OR sum(posts) <> 0 OR sum(replies) <> 0 OR sum(reposts) <> 0
    OR sum(replies_received) <> 0 OR sum(reposts_received) <> 0 OR sum(follows_received) <> 0
