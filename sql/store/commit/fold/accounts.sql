-- Number the accounts that a commit names, and fold what it says of them.
-- Needs: dids, staged, account, forgotten, account_status, handle, profile
-- Makes: named_account, kept_away, batch_account, departing, latest_handle, latest_profile

-- The accounts that the waiting rows name. Grain: one DID. `code` is what `coded` calls it; those of
-- `staged` alone come after.
CREATE OR REPLACE TEMP VIEW named_account AS
WITH other AS (
    SELECT DISTINCT
        unnest(list_concat([did, subject_did, root_did, other_did], mention_dids)) AS did
    FROM staged
)
SELECT did, code FROM dids
UNION ALL
SELECT did, (SELECT count(*) FROM dids) + row_number() OVER (ORDER BY did)
FROM other
ANTI JOIN dids USING (did)
WHERE did IS NOT NULL;

-- Those of them that are forgotten, and what stands for each. Their own events do not come in. Grain:
-- one DID. A known one is not among them: only a hash of theirs is. Nobody is looked for in a store
-- that forgot nobody.
CREATE OR REPLACE TEMP TABLE kept_away AS
SELECT new.did, new.code, known.id, 'forgotten:' || hash AS placeholder
FROM (
    FROM named_account
    ANTI JOIN account USING (did)
    WHERE getvariable('inner_pad') IS NOT NULL
) AS new
JOIN forgotten ON hash = keyed_hash(new.did)
LEFT JOIN account AS known ON known.did = 'forgotten:' || hash;

-- The accounts that the waiting rows name, with their numbers, and what stands for those that are
-- forgotten. Grain: one DID. New ones are numbered from the highest number on, in the order of their
-- codes.
CREATE OR REPLACE TEMP TABLE batch_account AS
WITH named AS MATERIALIZED (
    SELECT did, code, coalesce(known.id, kept_away.id) AS id, placeholder
    FROM named_account
    LEFT JOIN account AS known USING (did)
    LEFT JOIN (SELECT did, id, placeholder FROM kept_away) AS kept_away USING (did)
)
SELECT did, code, id, placeholder, false AS is_new
FROM named
WHERE id IS NOT NULL
UNION ALL
SELECT
    did,
    code,
    ((SELECT coalesce(max(id), 0) FROM account) + row_number() OVER (ORDER BY code))::UINTEGER,
    placeholder,
    true
FROM named
WHERE id IS NULL;

DELETE FROM staged
WHERE did IN (SELECT did FROM kept_away);

-- Write down the accounts that are new.
INSERT INTO account
SELECT id, coalesce(placeholder, did)
FROM batch_account
WHERE is_new;

-- Accounts that this batch deletes, later than any deletion that is known of them: what they wrote
-- until the known one has no texts. Grain: one account.
CREATE OR REPLACE TEMP TABLE departing AS
SELECT account, deleted_at
FROM (
    SELECT id AS account, max(event_time) AS deleted_at
    FROM staged
    JOIN batch_account USING (did)
    WHERE kind = 'account' AND status = 'deleted'
    GROUP BY id
) AS new
WHERE NOT EXISTS (
    FROM account_status AS known
    WHERE known.account = new.account AND known.status = 'deleted'
        AND known.event_time >= new.deleted_at
);

-- Status changes not known yet. Grain: one account, server time and status.
INSERT INTO account_status
SELECT DISTINCT id, event_time, active, status
FROM staged
JOIN batch_account USING (did)
WHERE kind = 'account'
    AND NOT EXISTS (
        FROM account_status AS old
        WHERE old.account = id AND old.event_time = staged.event_time
            AND old.status = staged.status
    );

-- The latest handles of accounts, where they are later than what is known; at one time, the last in
-- the alphabet. Grain: one account. An update in place would have the file's checkpoint write whole
-- columns anew, wherever a changed account is; so a row goes and another comes.
CREATE OR REPLACE TEMP TABLE latest_handle AS
SELECT id AS account, latest.event_time, latest.handle, old.rowid AS place
FROM (
    SELECT id, max({event_time: event_time, handle: handle}) AS latest
    FROM staged
    JOIN batch_account USING (did)
    WHERE handle IS NOT NULL
    GROUP BY id
)
LEFT JOIN handle AS old ON old.account = id
WHERE old.account IS NULL OR latest > {event_time: old.event_time, handle: old.handle};

-- Make way for handles that are later.
DELETE FROM handle
WHERE rowid IN (SELECT place FROM latest_handle);

-- Write them down. Grain: one account.
INSERT INTO handle BY NAME
SELECT * EXCLUDE (place)
FROM latest_handle;

-- The latest profiles of accounts, and when their creation was first seen, where that is not known. Of
-- two of one rev the one of a bot counts, then the one whose labels come last. Grain: one account.
CREATE OR REPLACE TEMP TABLE latest_profile AS
SELECT
    id AS account,
    greatest(old.rev, latest.rev) AS rev,
    least(old.created_at, new.created_at) AS created_at,
    latest > {rev: old.rev, bot: old.bot, labels: coalesce(old.labels, '')} OR old.account IS NULL
        AS is_later,
    CASE WHEN is_later THEN latest.bot ELSE old.bot END AS bot,
    CASE WHEN is_later THEN nullif(latest.labels, '') ELSE old.labels END AS labels,
    old.rowid AS place
FROM (
    SELECT
        id,
        max({rev: rev, bot: bot, labels: coalesce(labels, '')}) AS latest,
        min(event_time) FILTER (operation = 'create') AS created_at
    FROM staged
    JOIN batch_account USING (did)
    WHERE kind = 'profile'
    GROUP BY id
) AS new
LEFT JOIN profile AS old ON old.account = id
WHERE is_later
    OR new.created_at < coalesce(old.created_at, 'infinity'::TIMESTAMP);

-- Make way for them.
DELETE FROM profile
WHERE rowid IN (SELECT place FROM latest_profile);

-- Write them down. Grain: one account.
INSERT INTO profile BY NAME
SELECT * EXCLUDE (place, is_later)
FROM latest_profile;
