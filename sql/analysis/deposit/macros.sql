-- How a deposit names records.
-- Needs: nothing
-- Makes: key_text, record_name

-- A record key that is a number, as it is written.
CREATE OR REPLACE TEMP MACRO key_text(key) AS array_to_string(
    list_transform(
        range(60, -1, -5),
        lambda shift: substr('234567abcdefghijklmnopqrstuvwxyz', ((key >> shift) & 31)::INTEGER + 1, 1)
    ),
    ''
);

-- The AT-URI of a record; without `at://` where it is none of the network's: its account is none, or its key was
-- made by an import (sql/sources/tables/macros.sql, own_key).
CREATE OR REPLACE TEMP MACRO record_name(did, place, key, spelled) AS concat(
    CASE WHEN starts_with(did, 'did:') AND key < 1::BIGINT << 62 THEN 'at://' ELSE '' END,
    did, '/app.bsky.feed.', place, '/', CASE WHEN key < 0 THEN spelled ELSE key_text(key) END
);
