-- One above the highest number of an account. One row.
SELECT coalesce(max(id), 0)::BIGINT + 1 AS past
FROM account
