-- What an AppView and the PLC directory said of accounts, of those that are there or listed. In: `given`, rows of
-- sql/partitions/export/said.sql.
-- Needs: given, account, hydration, plc, plc_handle
-- Makes: nothing
INSERT INTO hydration BY NAME
SELECT account.id AS account, asked_at, found, followers, followers_at, created_at
FROM given
JOIN account USING (did)
WHERE asked_at IS NOT NULL;

INSERT INTO plc BY NAME
SELECT
    did, listed_at AS created_at, listed_handle AS handle, listed_handle_time AS handle_time,
    listed_host AS host, listed_host_time AS host_time
FROM given
WHERE listed_at IS NOT NULL;

INSERT INTO plc_handle BY NAME
SELECT did, handle.handle AS handle, handle.handle_time AS handle_time
FROM (SELECT did, unnest(earlier_handles) AS handle FROM given)
