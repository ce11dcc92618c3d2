-- Every account that events name and that is not forgotten, with when the AppView was last asked about it. Grain: one account,
-- ascending by DID.
SELECT account.id AS account, account.did, hydration.asked_at
FROM account
LEFT JOIN hydration ON hydration.account = account.id
WHERE NOT starts_with(account.did, 'forgotten:')
ORDER BY account.did
