-- Find the records between $start and $end that hang on a match. Grain of `topic_match`: one topic
-- and record, more than once where it hangs on several.
-- Needs: record, hook, topic_match
-- Makes: nothing

-- Posts and reposts that answer or repost a match.
INSERT INTO topic_match
SELECT
    hook.topic, false, collection, event_time, record.account, record.rkey, subject, subject_rkey,
    root, root_rkey, quoted, quoted_rkey
FROM record
JOIN hook ON hook.account = record.subject AND hook.rkey = record.subject_rkey
WHERE NOT removed
    AND NOT is_repeat
    AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end;

-- Replies in whose thread the first post matches.
INSERT INTO topic_match
SELECT
    hook.topic, false, collection, event_time, record.account, record.rkey, subject, subject_rkey,
    root, root_rkey, quoted, quoted_rkey
FROM record
JOIN hook ON hook.account = record.root AND hook.rkey = record.root_rkey
WHERE NOT removed
    AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end;

-- Posts that quote a match. Most quote nothing, and of those the engine reads one column.
INSERT INTO topic_match
SELECT
    hook.topic, false, collection, event_time, record.account, record.rkey, subject, subject_rkey,
    root, root_rkey, quoted, quoted_rkey
FROM record
JOIN hook ON hook.account = record.quoted AND hook.rkey = record.quoted_rkey
WHERE NOT removed
    AND quoted IS NOT NULL
    AND event_time >= $start AND event_time < $end;
