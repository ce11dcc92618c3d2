-- Agent-days of times that no summary serves, of the shape of agent_day. Empty, to be filled.
CREATE OR REPLACE TEMP TABLE fresh_day AS
FROM agent_day
LIMIT 0
