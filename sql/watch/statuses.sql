-- When accounts went and came back, in the order in which it counts: of two statuses at one time the inactive one
-- is the later. Grain: one status of an account.
SELECT
    epoch_us(event_time) AS time,
    account,
    (status IN ('deleted', 'takendown', 'suspended'))::UTINYINT AS gone
FROM account_status
ORDER BY time, NOT active, status
