-- Sum the rows of the table $name anew.
-- Needs: row_sum
-- Makes: nothing

DELETE FROM row_sum
WHERE name = $name;

INSERT INTO row_sum
SELECT $name, NULL, count(*), coalesce(sum(hash(*COLUMNS(*))), 0)
FROM query_table($name);
