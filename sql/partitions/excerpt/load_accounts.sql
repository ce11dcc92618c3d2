-- Number the accounts that have no number yet. In: `given`, with did. Grain: one account.
-- Needs: given, account
-- Makes: nothing
INSERT INTO account
SELECT (SELECT coalesce(max(id), 0) FROM account) + row_number() OVER () AS id, did
FROM (SELECT DISTINCT did FROM given WHERE did IS NOT NULL) AS named
ANTI JOIN account USING (did)
