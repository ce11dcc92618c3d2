-- What counts in each hour, and what it is worth, as in `sums`: a record counts at its own time, what
-- it received at that of the answer, repost or quote; $influence has what counts of that. Grain: one UTC
-- hour with something, ascending.
-- Needs `counted_part`, and the temp table `named`.
SELECT
    date_trunc('hour', event_time) AS hour,
    sum(written)::BIGINT AS events,
    sum((CASE WHEN written = 1 THEN unit_a ELSE unit_c END
        / $total * 1208925819614629174706176)::HUGEINT) AS "value"
FROM counted_part($influence)
JOIN named USING (account)
GROUP BY hour
ORDER BY hour
