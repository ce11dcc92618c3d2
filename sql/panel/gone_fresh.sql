-- What the accounts in `giver` gave in a stretch of time.
INSERT INTO gone_day
FROM given($start::TIMESTAMP, $end::TIMESTAMP)
