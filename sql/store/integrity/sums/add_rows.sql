-- Add the rows that this transaction appended to those of the tables $names that often get many, and lose
-- none in the same transaction. Rows that are not committed have numbers from 36028797018960000 on, by
-- which the engine finds them without looking through the others.
-- Needs: row_sum, account, account_status, record_key, agent_day, given_day, topic_event
-- Makes: nothing

UPDATE row_sum
SET rows = row_sum.rows + new.rows, total = row_sum.total + new.total
FROM (
    SELECT 'account' AS name, count(*) AS rows, coalesce(sum(hash(*COLUMNS(*))), 0) AS total
    FROM account
    WHERE rowid >= 36028797018960000
    UNION ALL
    SELECT 'account_status', count(*), coalesce(sum(hash(*COLUMNS(*))), 0)
    FROM account_status
    WHERE rowid >= 36028797018960000
    UNION ALL
    SELECT 'record_key', count(*), coalesce(sum(hash(*COLUMNS(*))), 0)
    FROM record_key
    WHERE rowid >= 36028797018960000
    UNION ALL
    SELECT 'agent_day', count(*), coalesce(sum(hash(*COLUMNS(*))), 0)
    FROM agent_day
    WHERE rowid >= 36028797018960000
    UNION ALL
    SELECT 'given_day', count(*), coalesce(sum(hash(*COLUMNS(*))), 0)
    FROM given_day
    WHERE rowid >= 36028797018960000
    UNION ALL
    SELECT 'topic_event', count(*), coalesce(sum(hash(*COLUMNS(*))), 0)
    FROM topic_event
    WHERE rowid >= 36028797018960000
) AS new
WHERE row_sum.name = new.name AND new.name IN (SELECT unnest($names::VARCHAR[]));
