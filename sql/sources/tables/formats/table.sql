-- A table of one's own, whose columns are named by the parts that they play.
SELECT *
FROM input
