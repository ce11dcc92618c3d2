-- Note the days of a commit, and what it changes of those that are summarised.
-- Needs: version, seen, current, repeat, orphaned, stored_day, topic_event
-- Makes: touched

-- The days that a commit's records may fall on, with the time they take. Grain: one UTC day.
MERGE INTO stored_day AS old
USING (
    SELECT
        event_time::DATE AS day,
        min(event_time) AS first_event,
        max(event_time) AS last_event
    FROM version
    WHERE NOT removed
    GROUP BY ALL
) AS new
ON old.day = new.day
WHEN MATCHED AND (new.first_event < old.first_event OR new.last_event > old.last_event)
THEN UPDATE SET
    first_event = least(old.first_event, new.first_event),
    last_event = greatest(old.last_event, new.last_event)
WHEN NOT MATCHED THEN INSERT VALUES (new.day, new.first_event, new.last_event, false, 0, 0);

-- What a commit does to summarised days: the records it changes as they were (sign -1), and those
-- it changes or adds as they become (+1). Grain: one version of a record. After `changed`, before
-- anything is written.
CREATE OR REPLACE TEMP TABLE touched AS
SELECT
    day,
    sign::TINYINT AS sign,
    collection,
    event_time,
    account,
    rkey,
    subject,
    is_repeat,
    quoted
FROM (
    SELECT
        -1 AS sign, old_removed AS removed, collection, old_time AS event_time, account, rkey,
        old_subject AS subject, old_is_repeat AS is_repeat, old_quoted AS quoted
    FROM seen
    WHERE changed
    UNION ALL BY NAME
    SELECT 1 AS sign, *, (collection, account, rkey) IN (FROM repeat) AS is_repeat
    FROM current
)
JOIN stored_day ON stored_day.day = event_time::DATE
WHERE NOT removed AND summarised;

-- Posts that lose their texts in this commit no longer match by them. Those that hang on a match
-- still do.
UPDATE topic_event
SET own = false
FROM orphaned
WHERE own
    AND topic_event.account = orphaned.account
    AND topic_event.rkey = orphaned.rkey
    AND topic_event.collection = orphaned.collection;
