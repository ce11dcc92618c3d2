-- Fold answers of the AppView into what is known.
-- Needs: answers, hydration
-- Makes: nothing

-- Grain: one account. In: `answers`, each account once. The newest answer counts; where it does not say something, what was said before stays, with
-- its date.
MERGE INTO hydration AS old
USING answers AS new
ON old.account = new.account
WHEN MATCHED AND new.asked_at >= old.asked_at
THEN UPDATE SET
    asked_at = new.asked_at,
    found = new.found,
    followers = coalesce(new.followers, old.followers),
    followers_at = CASE WHEN new.followers IS NULL THEN old.followers_at ELSE new.asked_at END,
    created_at = coalesce(new.created_at, old.created_at)
WHEN NOT MATCHED THEN INSERT VALUES (
    new.account, new.asked_at, new.found, new.followers,
    CASE WHEN new.followers IS NOT NULL THEN new.asked_at END, new.created_at
);
