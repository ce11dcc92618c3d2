-- Define how summaries are made of records, by macros that say what happened in a stretch of time.
-- Needs: record, watched
-- Makes: receipts, activity, giver, gifts

-- What others received in a stretch of time: answers, reposts and follows, and quotes, of which a post
-- may be one beside that. Grain: one of them. Most posts quote nothing: what says so is read by itself.
CREATE OR REPLACE TEMP MACRO receipts(since, until) AS TABLE
SELECT event_time, collection, account, subject AS receiver, false AS is_quote
FROM record
WHERE NOT removed AND NOT is_repeat AND subject <> account
    AND event_time >= since AND event_time < until
UNION ALL
SELECT event_time, collection, account, quoted, true
FROM record
WHERE NOT removed AND quoted IS NOT NULL AND quoted <> account
    AND event_time >= since AND event_time < until;

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
    coalesce(quotes_received, 0)::INTEGER AS quotes_received
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
        receiver AS account,
        count(*) FILTER (collection = 'post' AND NOT is_quote) AS replies_received,
        count(*) FILTER (collection = 'repost') AS reposts_received,
        count(*) FILTER (collection = 'follow') AS follows_received,
        count(*) FILTER (is_quote) AS quotes_received
    FROM receipts(since, until)
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
    receiver AS subject,
    count(*) FILTER (collection = 'post' AND NOT is_quote)::INTEGER AS replies,
    count(*) FILTER (collection = 'repost')::INTEGER AS reposts,
    count(*) FILTER (collection = 'follow')::INTEGER AS follows,
    count(*) FILTER (is_quote)::INTEGER AS quotes
FROM receipts(since, until)
WHERE account IN (SELECT account FROM giver)
GROUP BY ALL;
