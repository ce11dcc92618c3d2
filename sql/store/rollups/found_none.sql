-- Records that match or hang on a match, of the shape of topic_event. Empty, to be filled.
CREATE OR REPLACE TEMP TABLE found AS
FROM topic_event
LIMIT 0
