-- What accounts that left at some time gave. In: `given`, rows of gifts.sql. Grain: one UTC day, giver and receiver.
-- Needs: given, account, given_day
-- Makes: nothing
INSERT INTO given_day BY NAME
SELECT day, who.id AS account, whom.id AS subject, replies, reposts, follows, quotes
FROM given
JOIN account AS who ON who.did = given.did
JOIN account AS whom ON whom.did = given.subject_did
