-- What the accounts in `giver` gave in a stretch of time, whose gifts do not count.
-- Needs: void_gift, gifts
-- Makes: nothing

INSERT INTO void_gift
FROM gifts($start::TIMESTAMP, $end::TIMESTAMP)
