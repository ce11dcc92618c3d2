-- The posts that match topics by their own words, as hashtags. In: `digests`, of each topic's number. Grain: one
-- post.
-- Needs: topic_match, digests
-- Makes: marks
CREATE OR REPLACE TEMP TABLE marks AS
SELECT collection, account, rkey, list(DISTINCT digest ORDER BY digest) AS tags
FROM topic_match
JOIN digests USING (topic)
WHERE own
GROUP BY ALL
