-- Posts and replies of the window whose own text, link title or hashtags match a topic. Grain: one
-- post.
-- Needs: candidate
-- Makes: matching_post

CREATE OR REPLACE TEMP TABLE matching_post AS
SELECT account, rkey
FROM candidate
WHERE own
