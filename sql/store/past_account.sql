-- One above the highest number of an account, and the most that this can be: each number that was ever given
-- is that of an account which is there or was forgotten. One row.
SELECT
    coalesce(max(id), 0)::BIGINT + 1 AS past,
    count(*) + (SELECT count(*) FROM forgotten) + 1 AS most
FROM account
