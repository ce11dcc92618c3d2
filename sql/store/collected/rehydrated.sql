-- What became of records of a deposit that the source $source asked for again, as far as the store knows their
-- accounts. Grain: one record.
SELECT
    account.did,
    substr(step, strlen($source) + 2) AS collection,
    closure.rkey AS number,
    record_key.rkey,
    cursor AS fate
FROM closure
JOIN account ON account.id = closure.account
LEFT JOIN record_key ON record_key.id = closure.rkey
WHERE starts_with(step, $source || ' ')
