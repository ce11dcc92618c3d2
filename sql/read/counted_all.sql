-- Every post, reply and repost of the window: a run without a topic. Grain: one event. Needs the
-- temp table `inactive`.
CREATE OR REPLACE TEMP TABLE counted AS
SELECT kind, event_time::DATE AS day, account, subject
FROM event
WHERE kind IN ('post', 'reply', 'repost')
    AND event_time >= $start AND event_time < $end
    AND account NOT IN (SELECT account FROM inactive)
