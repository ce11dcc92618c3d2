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
    subject
FROM (
    SELECT
        -1 AS sign, old_removed AS removed, collection, old_time AS event_time, account, rkey,
        old_subject AS subject
    FROM seen
    WHERE changed
    UNION ALL BY NAME
    SELECT 1 AS sign, *
    FROM batch
    ANTI JOIN seen USING (account, collection, rkey)
    UNION ALL BY NAME
    SELECT 1 AS sign, *
    FROM changed
)
JOIN stored_day ON stored_day.day = event_time::DATE
WHERE NOT removed AND summarised
