-- What the accounts in `giver` gave in a stretch of time, whose gifts do not count.
-- Needs: gone_day, given
-- Makes: nothing

INSERT INTO gone_day
FROM given($start::TIMESTAMP, $end::TIMESTAMP)
