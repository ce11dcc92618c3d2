-- All accounts. Grain: one account, in no order.
SELECT id, did
FROM account
