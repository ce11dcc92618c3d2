-- The hosts of accounts, as the directory lists them, by their places in `host_names.sql`. Grain: one account
-- with a known host. Needs the temp table `directory_entry`.
SELECT account, place
FROM directory_entry
JOIN (
    SELECT host, (row_number() OVER (ORDER BY host) - 1)::UINTEGER AS place
    FROM (SELECT DISTINCT host FROM directory_entry WHERE host IS NOT NULL)
) AS named USING (host)
