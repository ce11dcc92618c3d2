-- Begin the agent-days of a window whose days from $first to $last are served by summaries.
-- Needs: agent_day, given_day, inactive
-- Makes: fresh_day, void_gift, giver

-- Agent-days of times that no summary serves, of the shape of agent_day. Empty, to be filled.
CREATE OR REPLACE TEMP TABLE fresh_day AS
FROM agent_day
LIMIT 0;

-- What accounts that are gone at the window's end gave on those days, where that is summed up.
-- Grain: rows add up, by day, giver and receiver.
CREATE OR REPLACE TEMP TABLE void_gift AS
FROM given_day
WHERE account IN (SELECT account FROM inactive) AND day BETWEEN $first AND $last;

-- Accounts whose gifts do not count: those that are gone at the window's end. Grain: one account.
CREATE OR REPLACE TEMP TABLE giver AS
SELECT account
FROM inactive;
