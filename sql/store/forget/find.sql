-- Find the accounts that are to be forgotten. In: `leaving`, with a `did` in each row.
-- Needs: leaving, account, handle, plc, plc_handle
-- Makes: forgetting

-- Grain: one DID. `account` is NULL where no event names it; `names` are what it can be found by in
-- what people wrote.
CREATE OR REPLACE TEMP TABLE forgetting AS
SELECT
    did,
    account.id AS account,
    list_distinct(list_filter(
        list_concat([did, handle.handle, plc.handle], earlier.handles), lambda name: name IS NOT NULL
    )) AS names
FROM (SELECT DISTINCT did FROM leaving)
LEFT JOIN account USING (did)
LEFT JOIN handle ON handle.account = account.id
LEFT JOIN plc USING (did)
LEFT JOIN (
    SELECT did, list(handle) AS handles
    FROM plc_handle
    SEMI JOIN leaving USING (did)
    GROUP BY did
) AS earlier USING (did);
