-- The numbers of the accounts that `coded` names, in the order of their codes.
SELECT id
FROM batch_account
WHERE code < (SELECT count(*) FROM dids)
ORDER BY code
