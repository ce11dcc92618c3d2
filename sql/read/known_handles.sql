-- Latest known handles: the later of what the network announced and what the directory lists. Grain:
-- one account.
WITH listed AS (
    SELECT account.id AS account, plc.handle, plc.handle_time
    FROM plc
    JOIN account ON account.did = plc.did
    WHERE plc.handle IS NOT NULL
)
SELECT
    account,
    CASE
        WHEN handle.event_time >= coalesce(listed.handle_time, '-infinity'::TIMESTAMP)
            THEN handle.handle
        ELSE coalesce(listed.handle, handle.handle)
    END AS handle
FROM handle
FULL JOIN listed USING (account)
