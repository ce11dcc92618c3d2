-- The posts and replies that count of all events. Grain: one post, in no order. In: $start, $end.
SELECT account, rkey AS "key"
FROM record
WHERE NOT removed AND NOT is_repeat AND collection = 'post'
    AND event_time >= $start AND event_time < $end
