-- The latest known handle of some accounts: the later of what the network announced and what the
-- directory lists. Grain: one account with a known handle, ascending by DID.
SELECT did, handle
FROM (
    SELECT
        account.did,
        CASE
            WHEN handle.event_time >= coalesce(plc.handle_time, '-infinity'::TIMESTAMP)
                THEN handle.handle
            ELSE coalesce(plc.handle, handle.handle)
        END AS handle
    FROM account
    LEFT JOIN handle ON handle.account = account.id
    LEFT JOIN plc ON plc.did = account.did
    WHERE account.did IN (SELECT unnest($dids::VARCHAR[]))
)
WHERE handle IS NOT NULL
ORDER BY did
