-- What accounts did and received in a stretch of time that no summary serves.
INSERT INTO fresh_day
FROM summarised($start::TIMESTAMP, $end::TIMESTAMP)
