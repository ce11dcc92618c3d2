-- Latest known handles: the later of what the network announced and what the directory lists. Grain:
-- one account with a known handle. Needs the temp table `directory_entry`.
SELECT
    account,
    CASE
        WHEN handle.event_time >= coalesce(named.handle_time, '-infinity'::TIMESTAMP)
            THEN handle.handle
        ELSE coalesce(named.handle, handle.handle)
    END AS handle
FROM handle
FULL JOIN (
    SELECT account, handle, handle_time
    FROM directory_entry
    WHERE handle IS NOT NULL
) AS named USING (account)
