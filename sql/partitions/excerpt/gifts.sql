-- What the accounts of the temp table `giver` gave in a stretch of time. Grain: one UTC day, giver and receiver. Needs
-- the macro `gifts`.
SELECT gift.day, who.did, whom.did AS subject_did, replies, reposts, follows, quotes
FROM gifts($start::TIMESTAMP, $end::TIMESTAMP) AS gift
JOIN account AS who ON who.id = gift.account
JOIN account AS whom ON whom.id = gift.subject
