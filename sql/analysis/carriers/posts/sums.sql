-- How many records there are, and what they are worth together, as a whole number of 2^-80ths of the
-- total: so the sum does not depend on the order of rows. One row.
-- Needs the temp table `record_value`.
SELECT
    count(*) AS records,
    coalesce(sum(((value_own + value_received) / $total * 1208925819614629174706176)::HUGEINT), 0)
        AS "value"
FROM record_value
