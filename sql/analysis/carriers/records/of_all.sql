-- What counts of all events and is by or to a named account. Who wrote, whom it was to and who is quoted are
-- looked for one after the other: of a few accounts the engine then reads one column, and little else.
-- Grain: one record.
-- Needs: record, inactive, named
-- Makes: counted_record

CREATE OR REPLACE TEMP TABLE counted_record AS
SELECT collection, event_time, account, rkey, subject, subject_rkey, quoted, quoted_rkey
FROM record
SEMI JOIN named USING (account)
WHERE NOT removed AND NOT is_repeat AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end
    AND account NOT IN (SELECT account FROM inactive)
UNION ALL
SELECT collection, event_time, account, rkey, subject, subject_rkey, quoted, quoted_rkey
FROM record
SEMI JOIN named ON subject = named.account
WHERE NOT removed AND NOT is_repeat AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end
    AND record.account NOT IN (SELECT account FROM inactive)
    AND record.account NOT IN (SELECT account FROM named)
UNION ALL
SELECT collection, event_time, account, rkey, subject, subject_rkey, quoted, quoted_rkey
FROM record
SEMI JOIN named ON quoted = named.account
WHERE NOT removed AND NOT is_repeat AND collection <> 'follow'
    AND event_time >= $start AND event_time < $end
    AND record.account NOT IN (SELECT account FROM inactive)
    AND record.account NOT IN (SELECT account FROM named)
    AND (subject IS NULL OR subject NOT IN (SELECT account FROM named))
