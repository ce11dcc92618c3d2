-- And those in whose thread the first post matches.
INSERT INTO found
SELECT
    hook.topic, false, collection, event_time, record.account, record.rkey, subject, subject_rkey,
    root, root_rkey
FROM record
JOIN hook ON hook.account = record.root AND hook.rkey = record.root_rkey
WHERE NOT removed
    AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end
