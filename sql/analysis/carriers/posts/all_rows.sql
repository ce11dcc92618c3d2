-- What counts of all events in numbers: when, who wrote to whom, with which key, and what (0 post or reply,
-- 1 repost, 2 a quote, which its post is beside). Who wrote to nobody wrote to itself, and $no_key is the key of
-- what has none. Grain: one record, and one quote, in no order. In: $start, $end.
SELECT
    epoch_us(event_time) AS "time",
    account,
    coalesce(subject, account) AS subject,
    coalesce(subject_rkey, $no_key::BIGINT) AS "key",
    CASE WHEN collection = 'post' THEN 0::UTINYINT ELSE 1::UTINYINT END AS kind
FROM record
WHERE NOT removed AND NOT is_repeat AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end
UNION ALL
SELECT
    epoch_us(event_time),
    account,
    quoted,
    coalesce(quoted_rkey, $no_key::BIGINT),
    2::UTINYINT
FROM record
WHERE NOT removed AND NOT is_repeat AND collection <> 'follow'
    AND quoted IS NOT NULL
    AND event_time >= $start AND event_time < $end
