-- Accounts that were ever deleted, taken down or suspended. Grain: one account.
-- Needs: account_status
-- Makes: giver
CREATE OR REPLACE TEMP TABLE giver AS
SELECT DISTINCT account
FROM account_status
WHERE status IN ('deleted', 'takendown', 'suspended')
