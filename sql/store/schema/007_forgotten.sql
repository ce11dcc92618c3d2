-- Accounts that were forgotten, by keyed hashes of their DIDs, so that no event brings one back. Where
-- records of others name one, `account` has 'forgotten:' and the hash instead of its DID. Grain: one
-- account.
CREATE TABLE forgotten (
    hash VARCHAR NOT NULL,         -- see sql/store/forget/keyed_hash.sql
    forgotten_at TIMESTAMP NOT NULL
);

-- The key of these hashes, made with the first of them, as HMAC pads it. One row, or none.
CREATE TABLE forgotten_key (
    inner_pad BLOB NOT NULL,
    outer_pad BLOB NOT NULL
);
