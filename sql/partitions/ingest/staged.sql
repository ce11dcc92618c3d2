-- The rows that wait for a commit beside those that a kernel parsed. Grain: one accepted event.
FROM staged
