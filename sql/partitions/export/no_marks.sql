-- No post is marked.
-- Needs: record
-- Makes: marks
CREATE OR REPLACE TEMP TABLE marks AS
SELECT collection, account, rkey, tags
FROM record
LIMIT 0
