-- The agents of a panel, and what one record and one answer or repost is worth to each. Grain: one
-- account.
-- Needs: account, and worth with did, unit_a and unit_c
-- Makes: named

CREATE OR REPLACE TEMP TABLE named AS
SELECT id AS account, did, unit_a, unit_c
FROM account
JOIN worth USING (did)
