-- Days of the window on which an account made more than $rate records. Grain: one account. Needs
-- the temp tables `served` and `fresh_day`.
SELECT account, count(*) AS busy_days
FROM (
    SELECT account, day
    FROM (
        SELECT account, day, records
        FROM agent_day
        WHERE day IN (SELECT day FROM served)
        UNION ALL
        SELECT account, day, records
        FROM fresh_day
    )
    GROUP BY account, day
    HAVING sum(records) > $rate
)
GROUP BY account
