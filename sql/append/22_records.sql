-- Write records that are new or changed: those whose keys are near one another ($near), or the few
-- others, so that little of the table has keys of all times. What an account wrote before it was
-- deleted keeps no text, whenever it arrives.
INSERT INTO record BY NAME
SELECT
    * EXCLUDE (deleted_at) REPLACE (
        CASE WHEN event_time > deleted_at IS NOT FALSE THEN text END AS text,
        CASE WHEN event_time > deleted_at IS NOT FALSE THEN list_sort(list_distinct(tags)) END
            AS tags,
        CASE WHEN event_time > deleted_at IS NOT FALSE THEN title END AS title
    )
FROM (
    FROM batch
    ANTI JOIN seen USING (account, collection, rkey)
    UNION ALL BY NAME
    FROM changed
)
LEFT JOIN departed USING (account)
WHERE (rkey BETWEEN $low AND $high) = $near
