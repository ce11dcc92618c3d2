-- How many events a store was told to keep, and how many lines were rejected. One row.
SELECT
    (SELECT coalesce(sum(kept), 0)::BIGINT FROM source) AS kept,
    (SELECT coalesce(sum(lines), 0)::BIGINT FROM rejected) AS rejected
