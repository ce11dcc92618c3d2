-- What is known of accounts, as the events that say it, in the form of `staged`. Grain: one event.
-- Needs: handle, account_status, profile, account
SELECT account.did, event.*
FROM (
    SELECT account, 'identity' AS kind, event_time, handle
    FROM handle
    UNION ALL BY NAME
    SELECT account, 'account' AS kind, event_time, active, status
    FROM account_status
    UNION ALL BY NAME
    SELECT
        account, 'profile' AS kind, created_at AS event_time, rev, bot, labels, 'self' AS rkey,
        CASE WHEN created_at IS NULL THEN 'update' ELSE 'create' END AS operation
    FROM profile
) AS event
JOIN account ON account.id = event.account
