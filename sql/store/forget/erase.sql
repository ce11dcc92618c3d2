-- Erase all that is known of the accounts in `forgetting`, after the summaries are corrected. What
-- others wrote to them stays, as to an account that is deleted.
-- Needs: forgetting, agent_day, given_day, watched, topic_event, pending, account_status, handle, profile, hydration, plc, plc_handle, source_account, imported_count, network_count, closure, record, record_key, account, forgotten, taken_off
-- Makes: received, unnamed_key

-- What they received from others, which is about those. Grain: one day and account.
CREATE OR REPLACE TEMP TABLE received AS
SELECT
    day,
    account,
    0 AS records,
    0 AS posts,
    0 AS replies,
    0 AS reposts,
    sum(replies_received)::INTEGER AS replies_received,
    sum(reposts_received)::INTEGER AS reposts_received,
    sum(follows_received)::INTEGER AS follows_received,
    sum(quotes_received)::INTEGER AS quotes_received
FROM agent_day
SEMI JOIN forgetting USING (account)
GROUP BY day, account
HAVING sum(replies_received) <> 0 OR sum(reposts_received) <> 0 OR sum(follows_received) <> 0
    OR sum(quotes_received) <> 0;

-- Corrections leave rows that add up to nothing, from which one could read what there was.
DELETE FROM agent_day
WHERE account IN (SELECT account FROM forgetting);

INSERT INTO agent_day BY NAME
FROM received;

DELETE FROM given_day
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM watched
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM topic_event
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM pending
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM account_status
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM handle
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM profile
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM hydration
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM imported_count
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM network_count
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM closure
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM plc
WHERE did IN (SELECT did FROM forgetting);

DELETE FROM plc_handle
WHERE did IN (SELECT did FROM forgetting);

DELETE FROM source_account
WHERE did IN (SELECT did FROM forgetting);

-- Keys of their records that are no TIDs, unless others name them. Grain: one key.
CREATE OR REPLACE TEMP TABLE unnamed_key AS
SELECT DISTINCT rkey
FROM record
SEMI JOIN forgetting USING (account)
WHERE rkey < 0;

-- What these come to in the sums of rows. Grain: one day.
INSERT INTO taken_off
SELECT event_time::DATE AS day, count(*), sum(hash(*COLUMNS(*)))
FROM record
WHERE account IN (SELECT account FROM forgetting)
GROUP BY day;

DELETE FROM record
WHERE account IN (SELECT account FROM forgetting);

DELETE FROM record_key
WHERE id IN (FROM unnamed_key)
    AND id NOT IN (
        SELECT rkey FROM record WHERE rkey < 0
        UNION SELECT subject_rkey FROM record WHERE subject_rkey < 0
        UNION SELECT root_rkey FROM record WHERE root_rkey < 0
        UNION SELECT quoted_rkey FROM record WHERE quoted_rkey < 0
        UNION SELECT via_rkey FROM record WHERE via_rkey < 0
    );

-- A hash in place of the DID, for records of others that name it. Row by row they go and come: an
-- update in place would have the file's checkpoint write whole columns anew.
DELETE FROM account
WHERE id IN (SELECT account FROM forgetting);

INSERT INTO account
SELECT account, 'forgotten:' || keyed_hash(did)
FROM forgetting
WHERE account IS NOT NULL;

-- Grain: one account.
INSERT INTO forgotten
SELECT hash, $now
FROM (SELECT keyed_hash(did) AS hash FROM forgetting)
WHERE hash NOT IN (SELECT hash FROM forgotten);
