-- The accounts that readings of archives were limited to. In: $names, of sources. Grain: one source
-- and account.
SELECT source, did
FROM source_account
WHERE source IN (SELECT unnest($names::VARCHAR[]))
ORDER BY source, did
