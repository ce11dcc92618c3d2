-- What only the last commit wrote. One row.
SELECT mark::VARCHAR AS mark
FROM last_commit
