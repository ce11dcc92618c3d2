-- Accounts that this batch deletes, later than any deletion that is known of them: what they wrote
-- until the known one has no texts. Grain: one account.
CREATE OR REPLACE TEMP TABLE departing AS
SELECT account, deleted_at
FROM (
    SELECT id AS account, max(event_time) AS deleted_at
    FROM staged
    JOIN batch_account USING (did)
    WHERE kind = 'account' AND status = 'deleted'
    GROUP BY id
) AS new
WHERE NOT EXISTS (
    FROM account_status AS known
    WHERE known.account = new.account AND known.status = 'deleted'
        AND known.event_time >= new.deleted_at
)
