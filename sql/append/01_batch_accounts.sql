-- The accounts that the waiting rows name, with their numbers. Grain: one DID. New ones are
-- numbered from the highest number on, in ascending order of DID.
CREATE OR REPLACE TEMP TABLE batch_account AS
WITH named AS MATERIALIZED (
    SELECT did, known.id
    FROM (
        SELECT did FROM staged
        UNION SELECT subject_did FROM staged WHERE subject_did IS NOT NULL
        UNION SELECT root_did FROM staged WHERE root_did IS NOT NULL
    )
    LEFT JOIN account AS known USING (did)
)
SELECT did, id, false AS is_new
FROM named
WHERE id IS NOT NULL
UNION ALL
SELECT
    did,
    ((SELECT coalesce(max(id), 0) FROM account) + row_number() OVER (ORDER BY did))::UINTEGER,
    true
FROM named
WHERE id IS NULL
