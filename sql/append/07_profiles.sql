-- The latest profile of an account, and when its creation was first seen. Grain: one account.
MERGE INTO profile AS old
USING (
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
ON old.account = new.id
WHEN MATCHED THEN UPDATE SET
    rev = greatest(old.rev, new.rev),
    created_at = least(old.created_at, new.created_at),
    bot = CASE WHEN new.rev > old.rev THEN new.bot ELSE old.bot END
WHEN NOT MATCHED THEN INSERT VALUES (new.id, new.rev, new.created_at, new.bot)
