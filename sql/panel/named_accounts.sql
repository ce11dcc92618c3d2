-- The accounts that a name may mean: a DID, or a handle in any case, which may be one that somebody
-- had before. Grain: one account, ascending. In: $name, $lower. Needs the temp table
-- `directory_entry`.
SELECT id AS account, did
FROM account
WHERE did IN ($name, $lower)
    OR id IN (SELECT account FROM handle WHERE lower(handle) = $lower)
    OR id IN (SELECT account FROM directory_entry WHERE lower(handle) = $lower)
    OR did IN (SELECT did FROM plc_handle WHERE lower(handle) = $lower)
ORDER BY id
