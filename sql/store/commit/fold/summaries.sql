-- Correct the summaries of days by the records in `touched`: rows that add up, and a list of the records
-- that are to be matched again. Where no day is summarised, `touched` is empty and nothing changes.
-- Needs: touched, stored_day, agent_day, given_day, watched, topic_event, pending
-- Makes: stale

-- Count the records that the commit touches. Grain: one summarised day.
UPDATE stored_day
SET corrected = corrected + touches
FROM (SELECT day, count(*) AS touches FROM touched GROUP BY day) AS new
WHERE stored_day.day = new.day;

-- Days of which so much has changed that they are better summarised anew. Grain: one day.
CREATE OR REPLACE TEMP TABLE stale AS
SELECT day
FROM stored_day
WHERE summarised AND corrected > $slack + records // 20;

-- They are as days that never were summarised.
UPDATE stored_day
SET summarised = false, records = 0, corrected = 0
WHERE day IN (SELECT day FROM stale);

-- As for the days.
DELETE FROM agent_day
WHERE day IN (SELECT day FROM stale);

-- As for the days.
DELETE FROM given_day
WHERE day IN (SELECT day FROM stale);

-- As for the days.
DELETE FROM topic_event
WHERE event_time::DATE IN (SELECT day FROM stale);

-- As for the days.
DELETE FROM pending
WHERE event_time::DATE IN (SELECT day FROM stale);

-- As for the days.
DELETE FROM touched
WHERE day IN (SELECT day FROM stale);

-- Take what was off the summaries, and add what is. Grain: one day and account.
INSERT INTO agent_day BY NAME
SELECT
    day,
    who AS account,
    sum(records)::INTEGER AS records,
    sum(posts)::INTEGER AS posts,
    sum(replies)::INTEGER AS replies,
    sum(reposts)::INTEGER AS reposts,
    sum(replies_received)::INTEGER AS replies_received,
    sum(reposts_received)::INTEGER AS reposts_received,
    sum(follows_received)::INTEGER AS follows_received,
    sum(quotes_received)::INTEGER AS quotes_received
FROM (
    SELECT
        day,
        account AS who,
        sign AS records,
        CASE WHEN collection = 'post' AND subject IS NULL THEN sign ELSE 0 END AS posts,
        CASE WHEN collection = 'post' AND subject IS NOT NULL THEN sign ELSE 0 END AS replies,
        CASE WHEN collection = 'repost' AND NOT is_repeat THEN sign ELSE 0 END AS reposts,
        0 AS replies_received,
        0 AS reposts_received,
        0 AS follows_received,
        0 AS quotes_received
    FROM touched
    UNION ALL
    SELECT
        day,
        subject,
        0,
        0,
        0,
        0,
        CASE WHEN collection = 'post' THEN sign ELSE 0 END,
        CASE WHEN collection = 'repost' THEN sign ELSE 0 END,
        CASE WHEN collection = 'follow' THEN sign ELSE 0 END,
        0
    FROM touched
    WHERE subject <> account AND NOT is_repeat
    UNION ALL
    SELECT day, quoted, 0, 0, 0, 0, 0, 0, 0, sign
    FROM touched
    WHERE quoted <> account
)
GROUP BY day, who
HAVING sum(records) <> 0
    OR sum(posts) <> 0 OR sum(replies) <> 0 OR sum(reposts) <> 0
    OR sum(replies_received) <> 0 OR sum(reposts_received) <> 0 OR sum(follows_received) <> 0
    OR sum(quotes_received) <> 0;

-- The same of what watched accounts gave to others. Grain: one day, giver and receiver.
INSERT INTO given_day BY NAME
SELECT
    day,
    account,
    subject,
    sum(CASE WHEN collection = 'post' THEN sign ELSE 0 END)::INTEGER AS replies,
    sum(CASE WHEN collection = 'repost' THEN sign ELSE 0 END)::INTEGER AS reposts,
    sum(CASE WHEN collection = 'follow' THEN sign ELSE 0 END)::INTEGER AS follows,
    sum(CASE WHEN collection = 'quote' THEN sign ELSE 0 END)::INTEGER AS quotes
FROM (
    SELECT day, account, subject, collection::VARCHAR AS collection, sign
    FROM touched
    WHERE subject <> account AND NOT is_repeat
    UNION ALL
    SELECT day, account, quoted, 'quote', sign
    FROM touched
    WHERE quoted <> account
)
WHERE account IN (SELECT account FROM watched)
GROUP BY ALL
HAVING replies <> 0 OR reposts <> 0 OR follows <> 0 OR quotes <> 0;

-- What was said of records that changed no longer holds.
DELETE FROM topic_event
USING touched
WHERE topic_event.account = touched.account
    AND topic_event.rkey = touched.rkey
    AND topic_event.collection = touched.collection
    AND touched.sign <= 0;

-- What waited to be matched is not what it was.
DELETE FROM pending
USING touched
WHERE pending.account = touched.account
    AND pending.rkey = touched.rkey
    AND pending.collection = touched.collection;

-- What came or changed waits to be matched. Grain: one record.
INSERT INTO pending
SELECT DISTINCT collection, event_time, account, rkey
FROM touched
WHERE sign >= 0 AND collection <> 'follow' AND NOT is_repeat;
