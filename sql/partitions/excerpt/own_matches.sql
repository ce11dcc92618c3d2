-- The posts that match a topic by their own words, whoever is gone by now. Grain: one post. Needs the temp table
-- `topic_match`.
SELECT DISTINCT
    did,
    CASE WHEN record_key.id IS NULL THEN topic_match.rkey END AS rkey,
    record_key.rkey AS rkey_text
FROM topic_match
JOIN account ON account.id = topic_match.account
LEFT JOIN record_key ON record_key.id = topic_match.rkey
WHERE own
