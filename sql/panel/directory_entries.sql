-- What the directory lists of accounts that events name, of whom it lists many more. Grain: one account.
-- Needs: account, plc
-- Makes: directory_entry

CREATE OR REPLACE TEMP TABLE directory_entry AS
SELECT account.id AS account, plc.created_at, plc.handle, plc.handle_time
FROM plc
JOIN account ON account.did = plc.did
