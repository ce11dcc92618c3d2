-- Posts that may match. Grain: one post. Empty, to be filled stretch by stretch.
-- Needs: record
-- Makes: possible_match

CREATE OR REPLACE TEMP TABLE possible_match AS
SELECT
    collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey, quoted, quoted_rkey,
    text, tags, title
FROM record
LIMIT 0
