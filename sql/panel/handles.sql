-- The latest known handle of some accounts: the later of what the network announced and what the
-- directory lists. Grain: one account with a known handle, ascending by DID. In: $accounts, numbers. Needs the
-- temp table `directory_entry`, which has accounts by their numbers: of all that the directory lists they are few.
WITH wanted AS MATERIALIZED (
    SELECT id, did
    FROM account
    WHERE id IN (SELECT unnest($accounts::UINTEGER[]))
)
SELECT did, handle
FROM (
    SELECT
        did,
        CASE
            WHEN announced.event_time >= coalesce(listed.handle_time, '-infinity'::TIMESTAMP)
                THEN announced.handle
            ELSE coalesce(listed.handle, announced.handle)
        END AS handle
    FROM wanted
    LEFT JOIN (FROM handle SEMI JOIN wanted ON account = id) AS announced ON announced.account = id
    LEFT JOIN (FROM directory_entry SEMI JOIN wanted ON account = id) AS listed ON listed.account = id
)
WHERE handle IS NOT NULL
ORDER BY did
