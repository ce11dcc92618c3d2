-- Posts on which others may hang: the matches in `found`. Grain: one topic and post.
-- Needs: found
-- Makes: hook

CREATE OR REPLACE TEMP TABLE hook AS
SELECT topic, account, rkey
FROM found
WHERE own
