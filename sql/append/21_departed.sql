-- Accounts that deleted themselves, or were. Grain: one account.
CREATE OR REPLACE TEMP TABLE departed AS
SELECT account, max(event_time) AS deleted_at
FROM account_status
WHERE status = 'deleted'
GROUP BY account
