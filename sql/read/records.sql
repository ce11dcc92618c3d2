-- How many rows the table of records has, removed ones among them. One row.
SELECT count(*) AS records
FROM record
