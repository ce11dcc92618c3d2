-- Accounts that are gone at the end of the window: their rows do not count. Grain: one account.
-- Of two statuses at one time the inactive one counts.
-- Needs: account_status
-- Makes: inactive

CREATE OR REPLACE TEMP TABLE inactive AS
SELECT account, latest.status AS status
FROM (
    SELECT
        account,
        max({event_time: event_time, inactive: NOT active, status: status}) AS latest
    FROM account_status
    WHERE event_time < $end
    GROUP BY account
)
WHERE latest.status IN ('deleted', 'takendown', 'suspended')
