-- The posts and replies of the window whose own words belong to a topic, with what their table counts of each.
-- Grain: one post; counts are NULL where there are none.
-- Needs: candidate, imported_count
-- Makes: counted_post

CREATE OR REPLACE TEMP TABLE counted_post AS
SELECT account, event_time::DATE AS day, replies, reposts, quotes, counted_at
FROM candidate
LEFT JOIN imported_count USING (account, rkey)
WHERE own AND collection = 'post';
