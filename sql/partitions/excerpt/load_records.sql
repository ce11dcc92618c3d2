-- Records, by the numbers that accounts and keys have here. In: `given`, rows of records.sql. Grain: one record.
-- Needs: given, account, record_key, record
-- Makes: nothing
INSERT INTO record BY NAME
SELECT
    given.collection::collection AS collection,
    author.id AS account,
    coalesce(given.rkey, own_key.id) AS rkey,
    rev,
    removed,
    event_time,
    first_time,
    time_from::time_from AS time_from,
    is_repeat,
    target.id AS subject,
    coalesce(given.subject_rkey, target_key.id) AS subject_rkey,
    thread.id AS root,
    coalesce(given.root_rkey, thread_key.id) AS root_rkey,
    quote.id AS quoted,
    coalesce(given.quoted_rkey, quote_key.id) AS quoted_rkey,
    way.id AS via,
    coalesce(given.via_rkey, way_key.id) AS via_rkey,
    text,
    title,
    langs,
    domains
FROM given
JOIN account AS author ON author.did = given.did
LEFT JOIN record_key AS own_key ON own_key.rkey = given.rkey_text
LEFT JOIN account AS target ON target.did = given.subject_did
LEFT JOIN record_key AS target_key ON target_key.rkey = given.subject_rkey_text
LEFT JOIN account AS thread ON thread.did = given.root_did
LEFT JOIN record_key AS thread_key ON thread_key.rkey = given.root_rkey_text
LEFT JOIN account AS quote ON quote.did = given.quoted_did
LEFT JOIN record_key AS quote_key ON quote_key.rkey = given.quoted_rkey_text
LEFT JOIN account AS way ON way.did = given.via_did
LEFT JOIN record_key AS way_key ON way_key.rkey = given.via_rkey_text
