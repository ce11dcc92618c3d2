-- Keep the records in `topic_match`. Grain: one topic and record.
-- Needs: topic_match, topic_event
-- Makes: nothing

INSERT INTO topic_event
SELECT
    topic, bool_or(own), collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey,
    quoted, quoted_rkey
FROM topic_match
ANTI JOIN topic_event AS known USING (topic, collection, account, rkey)
GROUP BY ALL
ORDER BY topic, event_time
