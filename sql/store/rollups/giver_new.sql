-- Accounts that were ever deleted, taken down or suspended, and are not watched. Grain: one account.
CREATE OR REPLACE TEMP TABLE giver AS
SELECT DISTINCT account
FROM account_status
WHERE status IN ('deleted', 'takendown', 'suspended')
    AND account NOT IN (SELECT account FROM watched)
