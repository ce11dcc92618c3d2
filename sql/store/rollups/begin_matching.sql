-- Begin an empty table of what is found.
-- Needs: topic_event
-- Makes: topic_match

-- Records that match or hang on a match, of the shape of topic_event. Empty, to be filled.
CREATE OR REPLACE TEMP TABLE topic_match AS
FROM topic_event
LIMIT 0;
