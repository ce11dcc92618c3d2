-- Who followed whom in the window, as b counts it among accounts that are not gone; the code is 4. Grain:
-- one follow, in no order.
SELECT account, subject, 4::UTINYINT AS code, epoch_us(event_time)::BIGINT AS "time"
FROM record
WHERE NOT removed AND NOT is_repeat AND collection = 'follow' AND subject <> account
    AND event_time >= $start AND event_time < $end
