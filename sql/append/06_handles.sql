-- The latest handle of an account; at one time, the last in the alphabet. Grain: one account.
MERGE INTO handle AS old
USING (
    SELECT id, max({event_time: event_time, handle: handle}) AS latest
    FROM staged
    JOIN batch_account USING (did)
    WHERE handle IS NOT NULL
    GROUP BY id
) AS new
ON old.account = new.id
WHEN MATCHED AND new.latest > {event_time: old.event_time, handle: old.handle}
THEN UPDATE SET event_time = new.latest.event_time, handle = new.latest.handle
WHEN NOT MATCHED THEN INSERT VALUES (new.id, new.latest.event_time, new.latest.handle)
