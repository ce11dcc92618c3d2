-- Days of the window on which an account made more than $rate records. Grain: one account.
SELECT account, count(*) AS busy_days
FROM (
    SELECT account, event_time::DATE AS day
    FROM event
    WHERE event_time >= $start AND event_time < $end
    GROUP BY ALL
    HAVING count(*) > $rate
)
GROUP BY account
