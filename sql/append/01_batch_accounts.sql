-- The accounts that the waiting rows name, with their numbers. Grain: one DID. New ones are
-- numbered from the highest number on, in ascending order of DID.
CREATE OR REPLACE TEMP TABLE batch_account AS
SELECT
    did,
    coalesce(
        known.id,
        (SELECT coalesce(max(id), 0) FROM account)
            + count(*) FILTER (known.id IS NULL) OVER (ORDER BY did ROWS UNBOUNDED PRECEDING)
    )::UINTEGER AS id,
    known.id IS NULL AS is_new
FROM (
    SELECT did FROM staged
    UNION SELECT subject_did FROM staged WHERE subject_did IS NOT NULL
    UNION SELECT root_did FROM staged WHERE root_did IS NOT NULL
)
LEFT JOIN account AS known USING (did)
