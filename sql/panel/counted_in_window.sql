-- All posts and replies of the window, with what their table counts of each. Grain: one post; counts are NULL
-- where there are none.
-- Needs: record, inactive, imported_count
-- Makes: counted_post

CREATE OR REPLACE TEMP TABLE counted_post AS
SELECT account, event_time::DATE AS day, replies, reposts, quotes, counted_at
FROM record
LEFT JOIN imported_count USING (account, rkey)
WHERE collection = 'post' AND NOT removed AND event_time >= $start AND event_time < $end
    AND account NOT IN (SELECT account FROM inactive);
