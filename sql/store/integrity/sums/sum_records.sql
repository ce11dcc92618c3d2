-- Sum the records anew. Grain: one UTC day.
-- Needs: row_sum, record
-- Makes: nothing

DELETE FROM row_sum
WHERE name = 'record';

INSERT INTO row_sum
SELECT 'record', event_time::DATE AS day, count(*), sum(hash(*COLUMNS(*)))
FROM record
GROUP BY day;
