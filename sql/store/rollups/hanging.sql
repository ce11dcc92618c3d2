-- Find the records of a stretch of time that hang on a match, $start to $end. Grain of `found`: one
-- topic and record, more than once where it hangs on several.
-- Needs: record, hook, found
-- Makes: nothing

-- Posts and reposts that answer or repost a match.
INSERT INTO found
SELECT
    hook.topic, false, collection, event_time, record.account, record.rkey, subject, subject_rkey,
    root, root_rkey
FROM record
JOIN hook ON hook.account = record.subject AND hook.rkey = record.subject_rkey
WHERE NOT removed
    AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end;

-- Replies in whose thread the first post matches.
INSERT INTO found
SELECT
    hook.topic, false, collection, event_time, record.account, record.rkey, subject, subject_rkey,
    root, root_rkey
FROM record
JOIN hook ON hook.account = record.root AND hook.rkey = record.root_rkey
WHERE NOT removed
    AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end;
