-- What counts of all events and is by or to a named account. Grain: one record.
-- Needs: record, inactive, named
-- Makes: counted_record

CREATE OR REPLACE TEMP TABLE counted_record AS
SELECT collection, event_time, account, rkey, subject, subject_rkey, quoted, quoted_rkey
FROM record
WHERE NOT removed
    AND NOT is_repeat
    AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end
    AND account NOT IN (SELECT account FROM inactive)
    AND (
        account IN (SELECT account FROM named)
        OR subject IN (SELECT account FROM named)
        OR quoted IN (SELECT account FROM named)
    )
