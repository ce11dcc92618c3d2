-- What tables say of accounts, in the form of answers of the AppView. Grain: one account.
-- Needs: stated, batch_account
-- Makes: answers

-- Of what several rows say of one account, the newest counts, as of several answers; those of one time count
-- together. Who has no follower count here was not asked for one: 1970 stands for that, so that a hydration asks.
CREATE OR REPLACE TEMP VIEW answers AS
SELECT
    id AS account,
    did,
    coalesce(max(asked_at) FILTER (followers IS NOT NULL), 'epoch'::TIMESTAMP) AS asked_at,
    true AS found,
    max({asked_at: asked_at, followers: followers}) FILTER (followers IS NOT NULL).followers AS followers,
    min(created_at) AS created_at
FROM stated
JOIN batch_account USING (did)
WHERE placeholder IS NULL
GROUP BY id, did;
