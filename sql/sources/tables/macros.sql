-- What sql/sources/tables/rows.sql, accounts.sql and formats/failla.sql say more than once.
-- Needs: nothing
-- Makes: account_name, own_key, uri_part, words, moment, is_given, counted, before_point

-- An account by its DID, or by what it is called in its data set.
CREATE OR REPLACE TEMP MACRO account_name(id) AS CASE
    WHEN id IS NULL OR id = '' THEN NULL
    WHEN starts_with(id, 'did:') THEN id
    ELSE getvariable('prefix') || id
END;

-- The key of a record that has an identifier of its own: a TID of after 2116, which no server gives. Of the
-- MD5 of the identifier 62 bits are taken.
CREATE OR REPLACE TEMP MACRO own_key(id) AS
    ((md5_number_lower(getvariable('prefix') || id) >> 2) | (1::UBIGINT << 62))::BIGINT;

-- Author, collection and key of an AT-URI (blueattr/decode/schema.py), each '' of anything else.
CREATE OR REPLACE TEMP MACRO uri_part(uri) AS CASE
    WHEN starts_with(uri, 'at://') AND strlen(uri) < 3000
    THEN regexp_extract(
        uri,
        '^at://(did:[a-z]+:(?:[:%]*[a-zA-Z0-9._-])+)/([a-zA-Z0-9.-]+)/([A-Za-z0-9._:~-]+)$',
        ['did', 'collection', 'rkey']
    )
    WHEN uri IS NOT NULL THEN {'did': '', 'collection': '', 'rkey': ''}
END;

-- The words of a list, however it is written: with commas, spaces or bars between, as JSON, or as Python does.
CREATE OR REPLACE TEMP MACRO words(list) AS
    regexp_extract_all(list, '[^\s,;|\[\]{}''"]+');

-- Whether a cell says anything: what programs write where they know no number says nothing.
CREATE OR REPLACE TEMP MACRO is_given(word) AS
    word IS NOT NULL AND lower(trim(word)) NOT IN ('', 'nan', 'none', 'null', 'na', 'n/a', '-');

-- A whole number from 0 on, of at most ten digits, perhaps written with a point; NULL of anything else.
CREATE OR REPLACE TEMP MACRO counted(word) AS CASE
    WHEN regexp_full_match(trim(word), '[0-9]{1,10}(\.0*)?')
    THEN split_part(trim(word), '.', 1)::BIGINT
END;

-- A time in UTC: a date and a time of day, or a number. Numbers of 8, 12 and 14 digits are dates as they are
-- written; others count seconds, milliseconds or microseconds since 1970, perhaps with a fraction.
CREATE OR REPLACE TEMP MACRO moment(word) AS CASE
    WHEN word IS NULL THEN NULL
    -- As tables of hundreds of millions of rows have it.
    WHEN strlen(word) = 12 AND regexp_full_match(word, '[0-9]+') THEN try_strptime(word, '%Y%m%d%H%M')
    -- The first 16 digits are microseconds, wherever the point stands.
    WHEN regexp_full_match(word, '([0-9]{10}|[0-9]{13}|[0-9]{16})(\.[0-9]*)?')
        THEN make_timestamp(try_cast(rpad(left(replace(word, '.', ''), 16), 16, '0') AS BIGINT))
    -- As RFC 3339, and so the network's own times: an offset is less than 24 hours, and has no 60 minutes.
    WHEN regexp_matches(
        word, ':[0-9.]+\s*[+-]([3-9]|2[4-9]|[0-9]{2}:?[6-9]|[0-9]{2}:?[0-9]{2}:?[6-9])'
    ) THEN NULL
    WHEN NOT regexp_full_match(word, '[0-9]+(\.0*)?') THEN try_cast(word AS TIMESTAMPTZ)::TIMESTAMP
    WHEN strlen(split_part(word, '.', 1)) = 8
        THEN try_strptime(split_part(word, '.', 1), '%Y%m%d')
    WHEN strlen(split_part(word, '.', 1)) = 12
        THEN try_strptime(split_part(word, '.', 1), '%Y%m%d%H%M')
    WHEN strlen(split_part(word, '.', 1)) = 14
        THEN try_strptime(split_part(word, '.', 1), '%Y%m%d%H%M%S')
END;

-- A whole number that may be written with a point. Few are, and to split a text takes ten times as long as to look.
CREATE OR REPLACE TEMP MACRO before_point(word) AS
    CASE WHEN contains(word, '.') THEN split_part(word, '.', 1) ELSE word END;
