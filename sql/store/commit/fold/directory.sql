-- Fold operations of the PLC directory into what is known of it.
-- Needs: staged_plc, plc, plc_handle, forgotten
-- Makes: known_handle, stated_handle

-- What is forgotten does not come back.
DELETE FROM staged_plc
USING forgotten
WHERE hash = keyed_hash(did);

-- The handles that the accounts that just came are known to have had. Grain: one account and handle.
CREATE OR REPLACE TEMP TABLE known_handle AS
SELECT did, handle, handle_time
FROM plc
SEMI JOIN staged_plc USING (did)
WHERE handle IS NOT NULL
UNION ALL
SELECT did, handle, handle_time
FROM plc_handle
SEMI JOIN staged_plc USING (did);

-- The PLC directory: earliest operation, latest handle and latest host; at one time, the last in the
-- alphabet. Grain: one DID.
MERGE INTO plc AS old
USING (
    SELECT
        did,
        min(event_time) AS created_at,
        max({event_time: event_time, handle: handle}) FILTER (handle IS NOT NULL) AS latest,
        max({event_time: event_time, host: host}) FILTER (host IS NOT NULL) AS hosted
    FROM staged_plc
    GROUP BY did
) AS new
ON old.did = new.did
WHEN MATCHED THEN UPDATE SET
    created_at = least(old.created_at, new.created_at),
    handle = CASE WHEN old.handle IS NULL
            OR new.latest > {event_time: old.handle_time, handle: old.handle}
        THEN new.latest.handle ELSE old.handle END,
    handle_time = greatest(old.handle_time, new.latest.event_time),
    host = CASE WHEN old.host IS NULL
            OR new.hosted > {event_time: coalesce(old.host_time, old.handle_time), host: old.host}
        THEN new.hosted.host ELSE old.host END,
    -- Nearly always the time of the handle, which is left out.
    host_time = nullif(
        greatest(
            CASE WHEN old.host IS NOT NULL THEN coalesce(old.host_time, old.handle_time) END,
            new.hosted.event_time
        ),
        greatest(old.handle_time, new.latest.event_time)
    )
WHEN NOT MATCHED THEN INSERT (did, created_at, handle, handle_time, host, host_time) VALUES (
    new.did, new.created_at, new.latest.handle, new.latest.event_time, new.hosted.host,
    nullif(new.hosted.event_time, new.latest.event_time)
);

-- Their handles, but for the latest. Grain: one account and handle, with the last time at which an
-- operation has it.
CREATE OR REPLACE TEMP TABLE stated_handle AS
SELECT did, named.handle, max(handle_time) AS handle_time
FROM (
    SELECT did, handle, event_time AS handle_time
    FROM staged_plc
    UNION ALL
    FROM known_handle
) AS named
JOIN (SELECT did, handle FROM plc) AS latest USING (did)
WHERE named.handle <> latest.handle
GROUP BY did, named.handle;

DELETE FROM plc_handle
WHERE did IN (SELECT did FROM staged_plc);

INSERT INTO plc_handle BY NAME
FROM stated_handle;
