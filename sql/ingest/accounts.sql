-- Every account that events name and that is not forgotten, with when the AppView was last asked about it. A table
-- of accounts may say other things than follower counts: then nobody was asked for them.
-- Grain: one account, ascending by DID.
SELECT
    account.id AS account,
    account.did,
    nullif(hydration.asked_at, 'epoch'::TIMESTAMP) AS asked_at
FROM account
LEFT JOIN hydration ON hydration.account = account.id
WHERE NOT starts_with(account.did, 'forgotten:')
ORDER BY account.did
