-- The accounts that the reading of an archive is limited to. Grain: one source and account.
FROM source_account
ORDER BY source, did
