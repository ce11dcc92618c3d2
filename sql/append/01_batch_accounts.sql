-- The accounts that the waiting rows name, with their numbers. Grain: one DID. `code` is what
-- `coded` calls it; those of `staged` alone come after. New ones are numbered from the highest
-- number on, in the order of their codes.
CREATE OR REPLACE TEMP TABLE batch_account AS
WITH other AS (
    SELECT did FROM staged
    UNION SELECT subject_did FROM staged
    UNION SELECT root_did FROM staged
), named AS MATERIALIZED (
    SELECT did, code, known.id
    FROM (
        SELECT did, code FROM dids
        UNION ALL
        SELECT did, (SELECT count(*) FROM dids) + row_number() OVER (ORDER BY did)
        FROM other
        ANTI JOIN dids USING (did)
        WHERE did IS NOT NULL
    )
    LEFT JOIN account AS known USING (did)
)
SELECT did, code, id, false AS is_new
FROM named
WHERE id IS NOT NULL
UNION ALL
SELECT
    did,
    code,
    ((SELECT coalesce(max(id), 0) FROM account) + row_number() OVER (ORDER BY code))::UINTEGER,
    true
FROM named
WHERE id IS NULL
