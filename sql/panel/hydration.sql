-- What the AppView said of accounts. Grain: one account that it was asked about.
SELECT account, asked_at, followers, followers_at
FROM hydration
