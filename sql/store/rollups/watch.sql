-- Watch the accounts that were deleted, taken down or suspended since the last time.
-- Needs: account_status, gifts, given_day, stored_day, watched
-- Makes: giver

-- Accounts that were ever deleted, taken down or suspended, and are not watched. Grain: one account.
CREATE OR REPLACE TEMP TABLE giver AS
SELECT DISTINCT account
FROM account_status
WHERE status IN ('deleted', 'takendown', 'suspended')
    AND account NOT IN (SELECT account FROM watched);

-- What they gave on summarised days. Grain: one day, giver and receiver.
INSERT INTO given_day
SELECT gift.*
FROM gifts('-infinity'::TIMESTAMP, 'infinity'::TIMESTAMP) AS gift
JOIN stored_day USING (day)
WHERE summarised;

-- Watch them from now on.
INSERT INTO watched
FROM giver;
