-- What counts of all events, of whomever. Grain: one record.
-- Needs: record, inactive
-- Makes: deposited

CREATE OR REPLACE TEMP TABLE deposited AS
SELECT collection, account, rkey
FROM record
WHERE NOT removed
    AND NOT is_repeat
    AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end
    AND account NOT IN (SELECT account FROM inactive);
