-- The hosts of accounts, as the directory lists them. Grain: one account with a known host. Needs the temp
-- table `directory_entry`.
SELECT account, host
FROM directory_entry
WHERE host IS NOT NULL
