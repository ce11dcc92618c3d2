-- Stored events by day and kind, and who made any. Grain: one UTC day, ascending. Of days that are
-- summarised it is read from the summaries; all others are between $first and $last.
WITH loose AS MATERIALIZED (
    SELECT event_time::DATE AS day, kind, account
    FROM event
    WHERE event_time BETWEEN $first::TIMESTAMP AND $last::TIMESTAMP
        AND event_time::DATE NOT IN (SELECT day FROM stored_day WHERE summarised)
), counted AS (
    SELECT
        day,
        sum(posts) AS posts,
        sum(replies) AS replies,
        sum(reposts) AS reposts,
        sum(records) AS records
    FROM (
        SELECT day, posts, replies, reposts, records
        FROM agent_day
        UNION ALL
        SELECT
            day,
            (kind = 'post')::INTEGER,
            (kind = 'reply')::INTEGER,
            (kind = 'repost')::INTEGER,
            1
        FROM loose
        UNION ALL
        -- Reposts that repeat another are in no count of a summary but that of records.
        SELECT event_time::DATE, 0, 0, 1, 0
        FROM record
        WHERE is_repeat AND collection = 'repost'
            AND event_time::DATE IN (SELECT day FROM stored_day WHERE summarised)
    )
    GROUP BY day
), active AS (
    SELECT day, count(*) AS accounts
    FROM (
        SELECT day, account
        FROM (
            SELECT day, account, records
            FROM agent_day
            WHERE records <> 0
            UNION ALL
            SELECT day, account, 1
            FROM loose
        )
        GROUP BY day, account
        HAVING sum(records) > 0
    )
    GROUP BY day
)
SELECT
    day,
    posts::BIGINT AS posts,
    replies::BIGINT AS replies,
    reposts::BIGINT AS reposts,
    (records - posts - replies - reposts)::BIGINT AS follows,
    accounts
FROM counted
JOIN active USING (day)
ORDER BY day
