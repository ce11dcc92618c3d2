-- The records from $start on, before $end, in numbers: on which day from $start on, who wrote to whom, and
-- what (0 post, 1 reply, 2 repost, 3 follow). Grain: one record. A post is to its author, and so is what repeats an earlier record: a follow
-- of oneself, which is only a record. Then the quotes (4), which are beside the records: one for each post
-- that quotes another, whatever else it is.
SELECT
    datediff('day', $start::TIMESTAMP, event_time)::USMALLINT AS day,
    account,
    CASE WHEN subject IS NULL OR is_repeat THEN account ELSE subject END AS subject,
    CASE
        WHEN collection = 'post' THEN CASE WHEN subject IS NULL THEN 0::UTINYINT ELSE 1::UTINYINT END
        WHEN collection = 'repost' AND NOT is_repeat THEN 2::UTINYINT
        ELSE 3::UTINYINT
    END AS code
FROM record
WHERE NOT removed
    AND event_time >= $start::TIMESTAMP AND event_time < $end::TIMESTAMP
UNION ALL
SELECT datediff('day', $start::TIMESTAMP, event_time)::USMALLINT, account, quoted, 4::UTINYINT
FROM record
WHERE NOT removed
    AND quoted IS NOT NULL
    AND event_time >= $start::TIMESTAMP AND event_time < $end::TIMESTAMP
