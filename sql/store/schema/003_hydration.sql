-- What the AppView said of accounts when it was asked; the latest answer of each. Who was not found
-- is here too, so that nobody is asked about twice.
CREATE TABLE hydration (
    account UINTEGER NOT NULL,
    asked_at TIMESTAMP NOT NULL,   -- UTC, of the latest answer
    found BOOLEAN NOT NULL,        -- whether the AppView knew the account then
    followers BIGINT,              -- the latest count that was given
    followers_at TIMESTAMP,        -- when that was
    created_at TIMESTAMP           -- the account's creation, as the AppView states it
);
