-- Days of the window on which an account made more than $rate records. Grain: one account. Summaries
-- serve $first to $last. Needs the temp table `fresh_day`.
SELECT account, count(*) AS busy_days
FROM (
    SELECT account, day
    FROM (
        SELECT account, day, records
        FROM agent_day
        WHERE day BETWEEN $first AND $last
        UNION ALL
        SELECT account, day, records
        FROM fresh_day
    )
    GROUP BY account, day
    HAVING sum(records) > $rate
)
GROUP BY account
