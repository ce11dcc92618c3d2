-- How many events there are. One row.
SELECT count(*) AS events
FROM event
