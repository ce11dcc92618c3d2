-- The latest profiles of accounts, and when their creation was first seen, where that is not known.
-- Grain: one account.
CREATE OR REPLACE TEMP TABLE latest_profile AS
SELECT
    id AS account,
    greatest(old.rev, new.rev) AS rev,
    least(old.created_at, new.created_at) AS created_at,
    CASE WHEN new.rev > old.rev IS NOT FALSE THEN new.bot ELSE old.bot END AS bot,
    old.rowid AS place
FROM (
    SELECT
        id,
        max(rev) AS rev,
        min(event_time) FILTER (operation = 'create') AS created_at,
        arg_max(bot, rev) AS bot
    FROM staged
    JOIN batch_account USING (did)
    WHERE kind = 'profile'
    GROUP BY id
) AS new
LEFT JOIN profile AS old ON old.account = id
WHERE old.account IS NULL
    OR new.rev > old.rev
    OR new.created_at < coalesce(old.created_at, 'infinity'::TIMESTAMP)
