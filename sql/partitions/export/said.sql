-- What an AppView and the PLC directory said of accounts. Grain: one account that either knows.
WITH answer AS (
    SELECT did, hydration.* EXCLUDE (account)
    FROM hydration
    JOIN account ON account.id = hydration.account
)
SELECT
    coalesce(answer.did, plc.did) AS did,
    answer.* EXCLUDE (did),
    plc.created_at AS listed_at,
    plc.handle AS listed_handle,
    plc.handle_time AS listed_handle_time,
    plc.host AS listed_host,
    plc.host_time AS listed_host_time,
    earlier.handles AS earlier_handles
FROM answer
FULL JOIN plc ON plc.did = answer.did
LEFT JOIN (
    SELECT did, list({handle: handle, handle_time: handle_time} ORDER BY handle) AS handles
    FROM plc_handle
    GROUP BY did
) AS earlier ON earlier.did = coalesce(answer.did, plc.did)
