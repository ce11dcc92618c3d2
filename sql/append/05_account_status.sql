-- Status changes not known yet. Grain: one account, server time and status.
INSERT INTO account_status
SELECT DISTINCT id, event_time, active, status
FROM staged
JOIN batch_account USING (did)
WHERE kind = 'account'
    AND NOT EXISTS (
        FROM account_status AS old
        WHERE old.account = id AND old.event_time = staged.event_time
            AND old.status = staged.status
    )
