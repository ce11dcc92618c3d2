-- The posts, replies and reposts of the window that belong to a topic: their own text matches, or
-- the post they answer, their thread's root or the reposted post does. Grain: one event. Needs the
-- temp tables `inactive` and `matched`.
CREATE OR REPLACE TEMP TABLE counted AS
SELECT
    event.kind,
    event.event_time::DATE AS day,
    event.account,
    event.subject
FROM event
LEFT JOIN matched AS own
    ON own.account = event.account AND own.rkey = event.rkey AND event.kind <> 'repost'
LEFT JOIN matched AS target
    ON target.account = event.subject AND target.rkey = event.subject_rkey
LEFT JOIN matched AS root ON root.account = event.root AND root.rkey = event.root_rkey
WHERE event.kind IN ('post', 'reply', 'repost')
    AND event.event_time >= $start AND event.event_time < $end
    AND (own.rkey IS NOT NULL OR target.rkey IS NOT NULL OR root.rkey IS NOT NULL)
    AND event.account NOT IN (SELECT account FROM inactive)
