-- How many events there are. One row. Little of the table has records that are removed.
SELECT (SELECT count(*) FROM record) - (SELECT count(*) FROM record WHERE removed) AS events
