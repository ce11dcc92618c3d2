-- Define how accounts that are forgotten are known: by the first 128 bits of HMAC-SHA256 (RFC 2104) of
-- the DID, with the store's own key. NULL in a store without a key, which forgot nobody.
-- Needs: forgotten_key
-- Makes: keyed_hash

SET VARIABLE inner_pad = (SELECT inner_pad FROM forgotten_key);

SET VARIABLE outer_pad = (SELECT outer_pad FROM forgotten_key);

CREATE OR REPLACE TEMP MACRO keyed_hash(did) AS left(
    sha256(
        getvariable('outer_pad')::BLOB
        || unhex(sha256(getvariable('inner_pad')::BLOB || encode(did)))
    ),
    32
);
