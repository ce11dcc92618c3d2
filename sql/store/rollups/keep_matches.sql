-- Keep the records in `found`. Grain: one topic and record.
-- Needs: found, topic_event
-- Makes: nothing

INSERT INTO topic_event
SELECT
    topic, bool_or(own), collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey
FROM found
ANTI JOIN topic_event AS known USING (topic, collection, account, rkey)
GROUP BY ALL
ORDER BY topic, event_time
