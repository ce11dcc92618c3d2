-- What accounts did and received in a stretch of time that no summary serves.
-- Needs: fresh_day, activity
-- Makes: nothing

INSERT INTO fresh_day
FROM activity($start::TIMESTAMP, $end::TIMESTAMP)
