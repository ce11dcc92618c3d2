-- Who labels itself a bot. Grain: one account.
SELECT account
FROM profile
WHERE bot
