-- The same for the program, ascending.
SELECT day
FROM served
ORDER BY day
