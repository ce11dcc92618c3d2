-- What an importer says of accounts, with a verdict each. Grain: one row of `given`, in order.
-- In: `given`, with the columns of accounts_columns.sql; the macros of macros.sql; the variables as_of, when it
-- was so where no column says it, and first and last, the bounds of times that can be.
WITH named AS (
    SELECT
        account_name(nullif(trim(actor), '')) AS did,
        ltrim(trim(handle), '@') AS handle,
        moment(trim(created)) AS created_at,
        try_cast(try_cast(nullif(trim(followers), '') AS DOUBLE) AS BIGINT) AS followers,
        nullif(trim(followers), '') IS NOT NULL AS has_followers,
        coalesce(moment(trim(followers_at)), getvariable('as_of')) AS asked_at,
        coalesce(followers_at, actor, '') AS sample
    FROM given
)
SELECT
    CASE
        WHEN did IS NULL THEN 'missing actor'
        WHEN strlen(did) > 2048
            OR (starts_with(did, 'did:') AND NOT regexp_full_match(did, getvariable('did')))
            THEN 'bad DID'
        WHEN asked_at < getvariable('first') OR asked_at >= getvariable('last') THEN 'bad time'
        WHEN has_followers AND (followers IS NULL OR followers < 0 OR followers > 1000000000000)
            THEN 'bad follower count'
        ELSE ''
    END AS verdict,
    did,
    CASE WHEN strlen(handle) <= 253 AND regexp_full_match(handle, getvariable('handle'))
            AND lower(handle) <> 'handle.invalid'
        THEN lower(handle)
    END AS handle,
    CASE WHEN created_at >= getvariable('first') AND created_at < getvariable('last')
        THEN created_at
    END AS created_at,
    followers,
    asked_at,
    sample
FROM named
