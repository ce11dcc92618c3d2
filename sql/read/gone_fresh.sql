-- What they gave in a stretch of time.
INSERT INTO gone_day
FROM given($start::TIMESTAMP, $end::TIMESTAMP)
