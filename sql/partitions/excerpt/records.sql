-- The records that a question needs as they are, with the accounts and keys that they name. Grain: one record. Those of
-- the temp table `wanted` have words, and so have all if $everything; those of $days, those of the instant $newest, and,
-- if $states, the posts from $start to before $end that state languages or have links, have none. Keys that are no TIDs
-- are in the columns that end in _text.
WITH chosen AS (
    SELECT record.*, wanted.rkey IS NOT NULL OR $everything AS has_words
    FROM record
    LEFT JOIN wanted USING (collection, account, rkey)
    WHERE $everything
        OR wanted.rkey IS NOT NULL
        OR event_time = $newest
        OR event_time::DATE IN (SELECT unnest($days::DATE[]))
        OR $states AND collection = 'post' AND NOT removed AND (langs IS NOT NULL OR domains IS NOT NULL)
        AND event_time >= $start AND event_time < $end
)
SELECT
    chosen.collection::VARCHAR AS collection,
    author.did AS did,
    CASE WHEN own_key.id IS NULL THEN chosen.rkey END AS rkey,
    own_key.rkey AS rkey_text,
    rev,
    removed,
    event_time,
    first_time,
    time_from::VARCHAR AS time_from,
    is_repeat,
    target.did AS subject_did,
    CASE WHEN target_key.id IS NULL THEN subject_rkey END AS subject_rkey,
    target_key.rkey AS subject_rkey_text,
    thread.did AS root_did,
    CASE WHEN thread_key.id IS NULL THEN root_rkey END AS root_rkey,
    thread_key.rkey AS root_rkey_text,
    quote.did AS quoted_did,
    CASE WHEN quote_key.id IS NULL THEN quoted_rkey END AS quoted_rkey,
    quote_key.rkey AS quoted_rkey_text,
    way.did AS via_did,
    CASE WHEN way_key.id IS NULL THEN via_rkey END AS via_rkey,
    way_key.rkey AS via_rkey_text,
    CASE WHEN has_words THEN text END AS text,
    CASE WHEN has_words THEN title END AS title,
    langs,
    domains
FROM chosen
JOIN account AS author ON author.id = chosen.account
LEFT JOIN record_key AS own_key ON own_key.id = chosen.rkey
LEFT JOIN account AS target ON target.id = chosen.subject
LEFT JOIN record_key AS target_key ON target_key.id = chosen.subject_rkey
LEFT JOIN account AS thread ON thread.id = chosen.root
LEFT JOIN record_key AS thread_key ON thread_key.id = chosen.root_rkey
LEFT JOIN account AS quote ON quote.id = chosen.quoted
LEFT JOIN record_key AS quote_key ON quote_key.id = chosen.quoted_rkey
LEFT JOIN account AS way ON way.id = chosen.via
LEFT JOIN record_key AS way_key ON way_key.id = chosen.via_rkey
