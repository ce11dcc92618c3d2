-- What the last commit wrote. One row.
SELECT mark
FROM last_commit
