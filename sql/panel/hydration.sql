-- What the AppView said of accounts. Grain: one account that it was asked about. A table of accounts may say other
-- things than follower counts: then nobody was asked for them.
SELECT
    account,
    nullif(asked_at, 'epoch'::TIMESTAMP) AS asked_at,
    followers,
    followers_at
FROM hydration
