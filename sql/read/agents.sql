-- Everyone with a kept event in the window, with what the panel filters ask. Grain: one account, in
-- no order. Needs the temp tables `inactive` and `tally`.
WITH active AS (
    SELECT account
    FROM tally
    WHERE records > 0
)
SELECT
    active.account,
    account.did,
    inactive.status,
    -- The later of what the network announced and what the directory lists.
    CASE
        WHEN handle.event_time >= coalesce(plc.handle_time, '-infinity'::TIMESTAMP) THEN handle.handle
        ELSE coalesce(plc.handle, handle.handle)
    END AS handle,
    coalesce(profile.bot, false) AS bot_label,
    coalesce(plc.created_at, hydration.created_at, profile.created_at) AS created_at,
    CASE
        WHEN plc.created_at IS NOT NULL THEN 'plc'
        WHEN hydration.created_at IS NOT NULL THEN 'appview'
        WHEN profile.created_at IS NOT NULL THEN 'profile'
    END AS created_by,
    hydration.asked_at,
    hydration.followers,
    hydration.followers_at
FROM active
JOIN account ON account.id = active.account
LEFT JOIN inactive ON inactive.account = active.account
LEFT JOIN handle ON handle.account = active.account
LEFT JOIN profile ON profile.account = active.account
LEFT JOIN plc ON plc.did = account.did
LEFT JOIN hydration ON hydration.account = active.account
