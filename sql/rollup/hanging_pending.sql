-- The same of what came late or changed.
INSERT INTO found
SELECT
    hook.topic, false, collection, event_time, record.account, record.rkey, subject, subject_rkey,
    root, root_rkey
FROM record
JOIN pending USING (collection, event_time, account, rkey)
JOIN hook
    ON hook.account = record.subject AND hook.rkey = record.subject_rkey
    OR hook.account = record.root AND hook.rkey = record.root_rkey
WHERE NOT removed
