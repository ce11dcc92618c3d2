-- Add the records that this transaction appended, and take off those it deleted, which `taken_off` has.
-- Needs: row_sum, record, taken_off
-- Makes: nothing

MERGE INTO row_sum AS old
USING (
    SELECT day, sum(rows)::BIGINT AS rows, sum(total)::HUGEINT AS total
    FROM (
        SELECT event_time::DATE AS day, count(*) AS rows, sum(hash(*COLUMNS(*))) AS total
        FROM record
        WHERE rowid >= 36028797018960000  -- as in add_rows.sql
        GROUP BY day
        UNION ALL
        SELECT day, -rows, -total
        FROM taken_off
    )
    GROUP BY day
) AS new
ON old.name = 'record' AND old.day IS NOT DISTINCT FROM new.day
WHEN MATCHED THEN UPDATE SET rows = old.rows + new.rows, total = old.total + new.total
WHEN NOT MATCHED THEN INSERT VALUES ('record', new.day, new.rows, new.total);

-- Days that have no records any more are as if they never had.
DELETE FROM row_sum
WHERE name = 'record' AND rows = 0 AND total = 0;
