-- The accounts whose records are asked for. Grain: one account.
-- Needs: account, named_did
-- Makes: named

CREATE OR REPLACE TEMP TABLE named AS
SELECT id AS account, did
FROM account
WHERE did IN (SELECT did FROM named_did)
