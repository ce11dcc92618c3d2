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
WHERE old.account IS NULL OR latest > {event_time: old.event_time, handle: old.handle}
