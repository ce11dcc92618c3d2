-- An account that this batch deletes: the texts it wrote until then go, not only out of sight.
UPDATE record
SET text = NULL, tags = NULL, title = NULL
FROM (
    SELECT id, max(event_time) AS deleted_at
    FROM staged
    JOIN batch_account USING (did)
    WHERE kind = 'account' AND status = 'deleted'
    GROUP BY id
) AS departed
WHERE record.account = departed.id
    AND record.event_time <= departed.deleted_at
    AND (record.text IS NOT NULL OR record.tags IS NOT NULL OR record.title IS NOT NULL)
