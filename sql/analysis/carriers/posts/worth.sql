-- The agents of a panel with a record, and what one record and one answer or repost is worth to each.
-- Grain: one account.
-- Needs: worth with account, did, unit_a and unit_c
-- Makes: named

CREATE OR REPLACE TEMP TABLE named AS
SELECT account, did, unit_a, unit_c
FROM worth
