-- Posts and reposts of a stretch of time that answer or repost a match. Grain: one topic and record,
-- more than once where it hangs on several.
INSERT INTO found
SELECT
    hook.topic, false, collection, event_time, record.account, record.rkey, subject, subject_rkey,
    root, root_rkey
FROM record
JOIN hook ON hook.account = record.subject AND hook.rkey = record.subject_rkey
WHERE NOT removed
    AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end
