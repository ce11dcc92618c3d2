-- Accounts whose latest known status is that they are deleted. Of two statuses at one time the inactive
-- one counts. Grain: one account.
SELECT account.did
FROM (
    SELECT
        account,
        max({event_time: event_time, inactive: NOT active, status: status}) AS latest
    FROM account_status
    GROUP BY account
) AS known
JOIN account ON account.id = known.account
WHERE latest.status = 'deleted'
ORDER BY did
