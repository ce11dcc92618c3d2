-- Choose among the records that may belong to a topic those that do.
-- Needs: candidate, matching_post
-- Makes: window_event

-- The posts, replies and reposts of the window that belong to a topic: their own text matches, or
-- the post they answer, their thread's root, or the post they repost or quote does. Grain: one event.
CREATE OR REPLACE TEMP TABLE window_event AS
SELECT
    CASE
        WHEN collection = 'repost' THEN 'repost'
        WHEN subject IS NULL THEN 'post'
        ELSE 'reply'
    END AS kind,
    event_time::DATE AS day,
    candidate.account,
    subject,
    quoted
FROM candidate
LEFT JOIN matching_post AS target ON target.account = subject AND target.rkey = subject_rkey
LEFT JOIN matching_post AS thread ON thread.account = root AND thread.rkey = root_rkey
LEFT JOIN matching_post AS quote ON quote.account = quoted AND quote.rkey = quoted_rkey
WHERE own OR target.rkey IS NOT NULL OR thread.rkey IS NOT NULL OR quote.rkey IS NOT NULL;
