-- The posts that match a topic by their own words. Grain: one post. Needs the temp table `matching_post`.
SELECT
    did,
    CASE WHEN record_key.id IS NULL THEN matching_post.rkey END AS rkey,
    record_key.rkey AS rkey_text
FROM matching_post
JOIN account ON account.id = matching_post.account
LEFT JOIN record_key ON record_key.id = matching_post.rkey
