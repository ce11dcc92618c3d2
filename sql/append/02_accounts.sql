-- Write down the accounts that are new.
INSERT INTO account
SELECT id, did
FROM batch_account
WHERE is_new
