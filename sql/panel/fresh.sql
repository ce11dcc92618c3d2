-- What accounts did and received in a stretch of time that no summary serves.
-- Needs: fresh_day, summarised
-- Makes: nothing

INSERT INTO fresh_day
FROM summarised($start::TIMESTAMP, $end::TIMESTAMP)
