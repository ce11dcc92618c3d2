-- Posts and replies of the window whose own text, link title or hashtags match a topic. Grain: one
-- post. Needs the temp table `candidate`.
CREATE OR REPLACE TEMP TABLE matched AS
SELECT account, rkey
FROM candidate
WHERE own
