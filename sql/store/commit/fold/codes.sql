-- The numbers of the accounts that `coded` will name, in the order of their codes. Between the steps
-- accounts and versions.
SELECT id, did IN (SELECT did FROM kept_away) AS kept_away
FROM batch_account
WHERE code < (SELECT count(*) FROM dids)
ORDER BY code
