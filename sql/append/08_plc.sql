-- The PLC directory: earliest operation and latest handle. Grain: one DID.
MERGE INTO plc AS old
USING (
    SELECT
        did,
        min(event_time) AS created_at,
        arg_max(handle, event_time) FILTER (handle IS NOT NULL) AS handle,
        max(event_time) FILTER (handle IS NOT NULL) AS handle_time
    FROM staged_plc
    GROUP BY did
) AS new
ON old.did = new.did
WHEN MATCHED THEN UPDATE SET
    created_at = least(old.created_at, new.created_at),
    handle = CASE WHEN new.handle_time > coalesce(old.handle_time, '-infinity'::TIMESTAMP)
        THEN new.handle ELSE old.handle END,
    handle_time = greatest(old.handle_time, new.handle_time)
WHEN NOT MATCHED THEN INSERT VALUES (new.did, new.created_at, new.handle, new.handle_time)
