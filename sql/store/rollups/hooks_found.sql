-- Posts on which others may hang: the matches just found. Grain: one topic and post.
CREATE OR REPLACE TEMP TABLE hook AS
SELECT topic, account, rkey
FROM found
WHERE own
