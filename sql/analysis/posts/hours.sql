-- What counts in each hour, and what it is worth, as in `sums`: a record counts at its own time, what
-- it received at that of the answer or repost. Grain: one UTC hour with something, ascending.
-- Needs the temp tables `counted_record` and `named`.
SELECT
    hour,
    sum(events)::BIGINT AS events,
    sum(("value" / $total * 1208925819614629174706176)::HUGEINT) AS "value"
FROM (
    SELECT date_trunc('hour', event_time) AS hour, 1 AS events, unit_a AS "value"
    FROM counted_record
    JOIN named USING (account)
    UNION ALL
    SELECT date_trunc('hour', event_time), 0, unit_c
    FROM counted_record
    JOIN named ON named.account = subject
    WHERE subject <> counted_record.account
)
GROUP BY hour
ORDER BY hour
