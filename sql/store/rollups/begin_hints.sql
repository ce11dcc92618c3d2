-- Posts that may match. Grain: one post. Empty, to be filled stretch by stretch.
-- Needs: record
-- Makes: hinted

CREATE OR REPLACE TEMP TABLE hinted AS
SELECT collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey, text, tags, title
FROM record
LIMIT 0
