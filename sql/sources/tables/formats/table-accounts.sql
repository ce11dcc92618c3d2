-- What a table of one's own says of accounts, in the rows of their records.
-- table: accounts
-- columns: actor, followers, followers_at, handle, created
-- gives: accounts
SELECT *
FROM input
