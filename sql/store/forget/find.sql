-- Find the accounts that are to be forgotten. In: `leaving`, with a `did` in each row.
-- Needs: leaving, account, handle, plc
-- Makes: forgetting

-- Grain: one DID. `account` is NULL where no event names it; `names` are what it can be found by in
-- what people wrote.
CREATE OR REPLACE TEMP TABLE forgetting AS
SELECT
    did,
    account.id AS account,
    list_distinct(list_filter([did, handle.handle, plc.handle], lambda name: name IS NOT NULL))
        AS names
FROM (SELECT DISTINCT did FROM leaving)
LEFT JOIN account USING (did)
LEFT JOIN handle ON handle.account = account.id
LEFT JOIN plc USING (did);
