-- Write what accounts did and received on days. `tally_columns` has each account of a day once,
-- ascending, so that their numbers take few bits.
-- Needs: tally_columns, agent_day
-- Makes: nothing

INSERT INTO agent_day BY NAME
FROM tally_columns
