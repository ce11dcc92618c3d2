-- The posts, replies and reposts of the window that belong to a topic: their own text matches, or
-- the post they answer, their thread's root or the reposted post does. Grain: one event. Needs the
-- temp tables `candidate` and `matched`.
CREATE OR REPLACE TEMP TABLE counted AS
SELECT
    CASE
        WHEN collection = 'repost' THEN 'repost'
        WHEN subject IS NULL THEN 'post'
        ELSE 'reply'
    END AS kind,
    event_time::DATE AS day,
    candidate.account,
    subject
FROM candidate
LEFT JOIN matched AS target ON target.account = subject AND target.rkey = subject_rkey
LEFT JOIN matched AS thread ON thread.account = root AND thread.rkey = root_rkey
WHERE own OR target.rkey IS NOT NULL OR thread.rkey IS NOT NULL
