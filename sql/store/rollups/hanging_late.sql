-- Find the records that came late or changed and hang on a match: on the post they answer, repost or
-- quote, or on their thread's first post.
-- Needs: record, late, hook, topic_match
-- Makes: nothing

INSERT INTO topic_match
SELECT
    hook.topic, false, collection, event_time, late_record.account, late_record.rkey, subject,
    subject_rkey, root, root_rkey, quoted, quoted_rkey
FROM (FROM record WHERE rowid IN (SELECT place FROM late)) AS late_record
JOIN hook ON hook.account = late_record.subject AND hook.rkey = late_record.subject_rkey
UNION ALL
SELECT
    hook.topic, false, collection, event_time, late_record.account, late_record.rkey, subject,
    subject_rkey, root, root_rkey, quoted, quoted_rkey
FROM (FROM record WHERE rowid IN (SELECT place FROM late)) AS late_record
JOIN hook ON hook.account = late_record.root AND hook.rkey = late_record.root_rkey
UNION ALL
SELECT
    hook.topic, false, collection, event_time, late_record.account, late_record.rkey, subject,
    subject_rkey, root, root_rkey, quoted, quoted_rkey
FROM (FROM record WHERE rowid IN (SELECT place FROM late)) AS late_record
JOIN hook ON hook.account = late_record.quoted AND hook.rkey = late_record.quoted_rkey
