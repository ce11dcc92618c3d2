-- Fold operations of the PLC directory into what is known of it.
-- Needs: staged_plc, plc, forgotten
-- Makes: nothing

-- What is forgotten does not come back.
DELETE FROM staged_plc
USING forgotten
WHERE hash = keyed_hash(did);

-- The PLC directory: earliest operation and latest handle; at one time, the last in the alphabet.
-- Grain: one DID.
MERGE INTO plc AS old
USING (
    SELECT
        did,
        min(event_time) AS created_at,
        max({event_time: event_time, handle: handle}) FILTER (handle IS NOT NULL) AS latest
    FROM staged_plc
    GROUP BY did
) AS new
ON old.did = new.did
WHEN MATCHED THEN UPDATE SET
    created_at = least(old.created_at, new.created_at),
    handle = CASE WHEN old.handle IS NULL
            OR new.latest > {event_time: old.handle_time, handle: old.handle}
        THEN new.latest.handle ELSE old.handle END,
    handle_time = greatest(old.handle_time, new.latest.event_time)
WHEN NOT MATCHED THEN INSERT (did, created_at, handle, handle_time) VALUES (
    new.did, new.created_at, new.latest.handle, new.latest.event_time
);
