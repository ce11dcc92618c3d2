-- Match a topic from now on.
-- Needs: topic
-- Makes: nothing

INSERT INTO topic VALUES ($topic, $rule)
