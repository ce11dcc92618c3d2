-- Fold answers of the AppView into what is known.
-- Needs: answers, account, hydration
-- Makes: nothing

-- Grain: one account. In: `answers`, each account once. The newest answer counts; where it does not
-- say something, what was said before stays, with its date. Of two at one moment the one with more
-- followers and the earlier creation counts, so that order makes no difference. An older one may be the only one
-- that says when an account was made.
MERGE INTO hydration AS old
USING (
    SELECT answers.*
    FROM answers
    JOIN account ON account.id = answers.account
    WHERE account.did = answers.did  -- not forgotten since, nor numbered in another copy of the store
) AS new
ON old.account = new.account
WHEN MATCHED AND new.asked_at >= old.asked_at
THEN UPDATE SET
    asked_at = new.asked_at,
    found = new.found OR old.found AND new.asked_at = old.asked_at,
    followers = CASE WHEN new.asked_at = old.followers_at
        THEN greatest(new.followers, old.followers)
        ELSE coalesce(new.followers, old.followers) END,
    followers_at = CASE WHEN new.followers IS NULL THEN old.followers_at ELSE new.asked_at END,
    created_at = CASE WHEN new.asked_at = old.asked_at
        THEN least(new.created_at, old.created_at)
        ELSE coalesce(new.created_at, old.created_at) END
WHEN MATCHED AND old.created_at IS NULL AND new.created_at IS NOT NULL
THEN UPDATE SET created_at = new.created_at
WHEN NOT MATCHED THEN INSERT VALUES (
    new.account, new.asked_at, new.found, new.followers,
    CASE WHEN new.followers IS NOT NULL THEN new.asked_at END, new.created_at
);
