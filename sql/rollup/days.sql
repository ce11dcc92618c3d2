-- The days that a commit's records may fall on, with the time they take. Grain: one UTC day.
MERGE INTO stored_day AS old
USING (
    SELECT
        event_time::DATE AS day,
        min(event_time) AS first_event,
        max(event_time) AS last_event
    FROM version
    WHERE NOT removed
    GROUP BY ALL
) AS new
ON old.day = new.day
WHEN MATCHED AND (new.first_event < old.first_event OR new.last_event > old.last_event)
THEN UPDATE SET
    first_event = least(old.first_event, new.first_event),
    last_event = greatest(old.last_event, new.last_event)
WHEN NOT MATCHED THEN INSERT VALUES (new.day, new.first_event, new.last_event, false, 0, 0)
