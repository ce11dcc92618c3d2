-- What is known of some records. Grain: one record of `wanted_record`, in no order. A record that was
-- never seen has no `removed`; of one that was deleted nothing is left but its key.
-- Needs: record, record_key, named, and wanted_record with did, collection and rkey
WITH
    wanted AS (
        SELECT account, did, collection, rkey
        FROM wanted_record
        JOIN named USING (did)
    ),
    theirs AS (
        SELECT account, collection::VARCHAR AS collection, rkey, removed, event_time, subject, text, title
        FROM record
        WHERE account IN (SELECT account FROM wanted) AND collection <> 'follow'
    )
SELECT
    did,
    collection,
    wanted.rkey,
    CASE
        WHEN wanted.rkey < 0 THEN record_key.rkey
        ELSE array_to_string(
            list_transform(
                range(60, -1, -5),
                lambda shift: substr(
                    '234567abcdefghijklmnopqrstuvwxyz', ((wanted.rkey >> shift) & 31)::INTEGER + 1, 1
                )
            ),
            ''
        )
    END AS record_key,
    removed,
    event_time AS "time",
    subject IS NOT NULL AS is_reply,
    text,
    title
FROM wanted
LEFT JOIN theirs USING (account, collection, rkey)
LEFT JOIN record_key ON record_key.id = wanted.rkey
