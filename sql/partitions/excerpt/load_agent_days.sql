-- What accounts did and received on days. In: `given`, with did, day and counts. Grain: one account and UTC day.
-- Needs: given, account, agent_day
-- Makes: nothing
INSERT INTO agent_day BY NAME
SELECT account.id AS account, given.* EXCLUDE (did)
FROM given
JOIN account USING (did)
ORDER BY day, account.id
