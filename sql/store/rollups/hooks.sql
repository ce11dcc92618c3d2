-- Posts on which others may hang: the matches in `topic_match`. Grain: one topic and post.
-- Needs: topic_match
-- Makes: hook

CREATE OR REPLACE TEMP TABLE hook AS
SELECT topic, account, rkey
FROM topic_match
WHERE own
