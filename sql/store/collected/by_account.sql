-- How many reposts of collected posts, which happened from $start on, before $end, are known by their accounts alone.
-- Grain: one row.
SELECT count(*)
FROM record AS repost
JOIN record_key ON record_key.id = repost.rkey
JOIN record AS post ON post.account = repost.subject AND post.rkey = repost.subject_rkey
SEMI JOIN network_count ON network_count.account = post.account AND network_count.rkey = post.rkey
WHERE repost.collection = 'repost' AND NOT repost.removed AND starts_with(record_key.rkey, $beginning)
    AND post.collection = 'post' AND NOT post.removed
    AND post.event_time >= $start AND post.event_time < $end
