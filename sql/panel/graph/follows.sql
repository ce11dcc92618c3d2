-- Who of some accounts followed whom of them in the window, as b counts it; the code is 3. Grain: one
-- follow, in no order. Needs the temp table `inactive`, and `node` with account.
SELECT account, subject, 3::UTINYINT AS code, epoch_us(event_time)::BIGINT AS "time"
FROM record
WHERE NOT removed AND NOT is_repeat AND collection = 'follow' AND subject <> account
    AND event_time >= $start AND event_time < $end
    AND account IN (SELECT account FROM node)
    AND subject IN (SELECT account FROM node)
    AND account NOT IN (SELECT account FROM inactive)
