-- What accounts that this batch deletes wrote until then and still has a text. Grain: one record.
CREATE OR REPLACE TEMP TABLE orphaned AS
SELECT record.rowid AS place, record.*
FROM record
JOIN (
    SELECT id AS account, max(event_time) AS deleted_at
    FROM staged
    JOIN batch_account USING (did)
    WHERE kind = 'account' AND status = 'deleted'
    GROUP BY id
) USING (account)
WHERE record.event_time <= deleted_at
    AND (text IS NOT NULL OR tags IS NOT NULL OR title IS NOT NULL)
