-- The posts, replies and reposts of the window that may belong to a topic, where none is in `topic_match`.
-- Grain: one record. Without $quotes it is as if no post quoted another.
-- Needs: topic_event, inactive
-- Makes: candidate

CREATE OR REPLACE TEMP TABLE candidate AS
SELECT
    own, collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey,
    CASE WHEN $quotes THEN quoted END AS quoted,
    CASE WHEN $quotes THEN quoted_rkey END AS quoted_rkey
FROM topic_event
WHERE topic = $topic
    AND event_time >= $start AND event_time < $end
    AND account NOT IN (SELECT account FROM inactive)
