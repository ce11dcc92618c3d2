-- Define how summaries are made of records, by macros that say what happened in a stretch of time.
-- Needs: record, watched
-- Makes: activity, giver, gifts

-- What accounts did and received in a stretch of time, of the shape of agent_day. Grain: one day
-- and account.
CREATE OR REPLACE TEMP MACRO activity(since, until) AS TABLE
SELECT
    day,
    account,
    coalesce(records, 0)::INTEGER AS records,
    coalesce(posts, 0)::INTEGER AS posts,
    coalesce(replies, 0)::INTEGER AS replies,
    coalesce(reposts, 0)::INTEGER AS reposts,
    coalesce(replies_received, 0)::INTEGER AS replies_received,
    coalesce(reposts_received, 0)::INTEGER AS reposts_received,
    coalesce(follows_received, 0)::INTEGER AS follows_received,
    0 AS quotes_received
FROM (
    SELECT
        event_time::DATE AS day,
        account,
        count(*) AS records,
        count(*) FILTER (collection = 'post' AND subject IS NULL) AS posts,
        count(*) FILTER (collection = 'post' AND subject IS NOT NULL) AS replies,
        count(*) FILTER (collection = 'repost' AND NOT is_repeat) AS reposts
    FROM record
    WHERE NOT removed AND event_time >= since AND event_time < until
    GROUP BY ALL
)
FULL JOIN (
    SELECT
        event_time::DATE AS day,
        subject AS account,
        count(*) FILTER (collection = 'post') AS replies_received,
        count(*) FILTER (collection = 'repost') AS reposts_received,
        count(*) FILTER (collection = 'follow') AS follows_received
    FROM record
    WHERE NOT removed AND NOT is_repeat AND subject <> account
        AND event_time >= since AND event_time < until
    GROUP BY ALL
) USING (day, account);

-- Accounts whose gifts `gifts` counts: for summaries, those that are watched. Grain: one account.
CREATE OR REPLACE TEMP TABLE giver AS
FROM watched;

-- What the accounts in the temp table `giver` gave to others in a stretch of time, of the shape of
-- given_day. Grain: one day, giver and receiver.
CREATE OR REPLACE TEMP MACRO gifts(since, until) AS TABLE
SELECT
    event_time::DATE AS day,
    account,
    subject,
    count(*) FILTER (collection = 'post')::INTEGER AS replies,
    count(*) FILTER (collection = 'repost')::INTEGER AS reposts,
    count(*) FILTER (collection = 'follow')::INTEGER AS follows,
    0 AS quotes
FROM record
WHERE NOT removed AND NOT is_repeat AND subject <> account
    AND event_time >= since AND event_time < until
    AND account IN (SELECT account FROM giver)
GROUP BY ALL;
