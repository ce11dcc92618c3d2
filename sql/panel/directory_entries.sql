-- What the directory lists of accounts that events name, of whom it lists many more. Grain: one account.
-- Then when accounts were created, by each who says so: the better informed have higher numbers (0 a
-- profile seen, 1 the AppView, 2 the directory). Grain: one account and source.
-- Needs: account, plc, profile, hydration
-- Makes: directory_entry, stated_creation

CREATE OR REPLACE TEMP TABLE directory_entry AS
SELECT account.id AS account, plc.created_at, plc.handle, plc.handle_time, plc.host
FROM plc
JOIN account ON account.did = plc.did;

CREATE OR REPLACE TEMP VIEW stated_creation AS
SELECT account, created_at, 0::UTINYINT AS source
FROM profile
UNION ALL
SELECT account, created_at, 1::UTINYINT
FROM hydration
UNION ALL
SELECT account, created_at, 2::UTINYINT
FROM directory_entry
