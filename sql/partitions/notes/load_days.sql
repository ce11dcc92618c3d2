-- The days that the records of all buckets fall on, with their events, as if they were summarised: in a store that
-- has the notes of sources alone. In: `given`. Grain: one day.
INSERT INTO stored_day BY NAME
SELECT day, first_event, last_event, true AS summarised, events AS records, 0 AS corrected
FROM given;

INSERT INTO agent_day BY NAME
SELECT
    day, 0 AS account, events::INTEGER AS records, 0 AS posts, 0 AS replies, 0 AS reposts,
    0 AS replies_received, 0 AS reposts_received, 0 AS follows_received
FROM given
