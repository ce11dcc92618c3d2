-- Note the accounts that the reading of an archive is limited to. In: $name, of its source; `limited`,
-- with their DIDs. Grain: one source and account.
-- Needs: limited, source_account
-- Makes: nothing
DELETE FROM source_account
WHERE source = $name;

INSERT INTO source_account
SELECT $name, did
FROM limited;
