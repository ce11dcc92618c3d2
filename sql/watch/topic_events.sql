-- The posts, replies and reposts of a stretch of time that may belong to a topic, as sql/panel/candidate.sql has
-- those of a window, of accounts that are gone, too. Grain: one record, by time. In: $topic, $start, $end. Needs the
-- temp table `topic_match`. What is missing of accounts is the
-- account itself; of keys, a number that none has.
SELECT
    epoch_us(event_time) AS time,
    account,
    coalesce(subject, account) AS subject,
    coalesce(quoted, account) AS quoted,
    CASE
        WHEN collection = 'repost' THEN 2::UTINYINT
        WHEN subject IS NULL THEN 0::UTINYINT
        ELSE 1::UTINYINT
    END AS kind,
    bool_or(own)::UTINYINT AS own,
    rkey,
    coalesce(CASE WHEN subject IS NOT NULL THEN subject_rkey END, '-9223372036854775808'::BIGINT) AS subject_rkey,
    coalesce(root, account) AS root,
    coalesce(CASE WHEN root IS NOT NULL THEN root_rkey END, '-9223372036854775808'::BIGINT) AS root_rkey,
    coalesce(CASE WHEN quoted IS NOT NULL THEN quoted_rkey END, '-9223372036854775808'::BIGINT) AS quoted_rkey
FROM (
    SELECT * EXCLUDE (topic)
    FROM topic_event
    WHERE topic = $topic
    UNION ALL
    SELECT * EXCLUDE (topic)
    FROM topic_match
)
WHERE event_time >= $start AND event_time < $end
GROUP BY ALL
ORDER BY time
