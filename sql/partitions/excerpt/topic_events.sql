-- The records that belong to a topic or may, whoever is gone by now, and the posts that they answer, repost or quote.
-- Grain: one record. Needs the temp table `topic_match`.
SELECT
    belonging.collection::VARCHAR AS collection,
    own,
    author.did,
    CASE WHEN own_key.id IS NULL THEN belonging.rkey END AS rkey,
    own_key.rkey AS rkey_text,
    target.did AS target_did,
    CASE WHEN target_key.id IS NULL THEN subject_rkey END AS target_rkey,
    target_key.rkey AS target_rkey_text,
    quote.did AS quote_did,
    CASE WHEN quote_key.id IS NULL THEN quoted_rkey END AS quote_rkey,
    quote_key.rkey AS quote_rkey_text
FROM (
    SELECT
        collection, account, rkey, subject, subject_rkey, quoted, quoted_rkey, bool_or(own) AS own
    FROM topic_match
    GROUP BY ALL
) AS belonging
JOIN account AS author ON author.id = belonging.account
LEFT JOIN record_key AS own_key ON own_key.id = belonging.rkey
LEFT JOIN account AS target ON target.id = belonging.subject
LEFT JOIN record_key AS target_key ON target_key.id = belonging.subject_rkey
LEFT JOIN account AS quote ON quote.id = belonging.quoted
LEFT JOIN record_key AS quote_key ON quote_key.id = belonging.quoted_rkey
