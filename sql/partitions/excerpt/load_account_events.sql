-- Handles, statuses and profiles. In: `given`, rows of sql/partitions/export/account_events.sql.
-- Needs: given, account, handle, account_status, profile, watched
-- Makes: nothing

CREATE OR REPLACE TEMP TABLE account_event AS
SELECT account.id AS account, given.* EXCLUDE (did)
FROM given
JOIN account USING (did);

INSERT INTO handle BY NAME
SELECT account, event_time, handle
FROM account_event
WHERE kind = 'identity';

INSERT INTO account_status BY NAME
SELECT account, event_time, active, status
FROM account_event
WHERE kind = 'account';

INSERT INTO profile BY NAME
SELECT account, rev, event_time AS created_at, bot, labels
FROM account_event
WHERE kind = 'profile';

-- Accounts that were ever deleted, taken down or suspended: what they gave is summed up.
INSERT INTO watched
SELECT DISTINCT account
FROM account_status
WHERE status IN ('deleted', 'takendown', 'suspended');

DROP TABLE account_event;
