-- Who accounts are. Grain: one account of `wanted`, in no order.
SELECT id AS account, did
FROM account
WHERE id IN (SELECT account FROM wanted)
