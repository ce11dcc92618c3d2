-- What a table of one's own says of accounts, in the rows of their records.
-- table: accounts
-- columns: actor, record, followers, followers_at, handle, created
-- gives: accounts
-- A handle, or a number, beside an address: the account is that of the address.
SELECT
    CASE WHEN actor IS NULL OR NOT starts_with(actor, 'did:')
        THEN coalesce(nullif(regexp_extract(record, '^at://(did:[^/]+)', 1), ''), actor)
        ELSE actor
    END AS actor,
    followers,
    followers_at,
    handle,
    created
FROM input
