-- Records of the batch that the store has: where, what they were, and what is new about them. Grain:
-- one record. Most keys lie between $low and $high, where little of the store does. For the few
-- beyond it all of it is searched, by the key alone, which nearly always decides.
CREATE OR REPLACE TEMP TABLE seen AS
SELECT
    place,
    collection,
    account,
    rkey,
    old_removed,
    old_time,
    old_subject,
    new_rev > old_rev OR new_rev = old_rev AND new_removed > old_removed AS newer,
    newer OR new_time < coalesce(old_time, 'infinity'::TIMESTAMP) IS TRUE AS changed,
    least(old_time, new_time) AS event_time
FROM (
    SELECT
        old.rowid AS place, collection, account, rkey, old.rev AS old_rev, new.rev AS new_rev,
        old.removed AS old_removed, new.removed AS new_removed, old.event_time AS old_time,
        new.event_time AS new_time, old.subject AS old_subject
    FROM batch AS new
    JOIN record AS old USING (rkey, account, collection)
    WHERE new.rkey BETWEEN $low AND $high AND old.rkey BETWEEN $low AND $high
    UNION ALL
    SELECT
        old.rowid, new.collection, new.account, rkey, old.rev, new.rev, old.removed, new.removed,
        old.event_time, new.event_time, old.subject
    FROM batch AS new
    JOIN record AS old USING (rkey)
    WHERE new.rkey NOT BETWEEN $low AND $high
        AND new.account::BIGINT - old.account = 0
        AND enum_code(new.collection)::TINYINT - enum_code(old.collection) = 0
)
