-- Write what accounts did and received on a day. `tally_columns` has each account once,
-- ascending, so that their numbers take few bits.
-- Needs: tally_columns, agent_day
-- Makes: nothing

INSERT INTO agent_day BY NAME
SELECT $day AS day, *
FROM tally_columns
