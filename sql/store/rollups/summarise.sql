-- Write what accounts did and received on a day. In: `tally_columns`, of accounts each once,
-- ascending, so that their numbers take few bits.
INSERT INTO agent_day
SELECT $day, *
FROM tally_columns
