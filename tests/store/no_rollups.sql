-- Leaves a store without rollups of any day or topic, as after an ingest that makes none. The tests
-- compare answers with and without them; the benchmarks make them anew.
UPDATE stored_day SET summarised = false, records = 0, corrected = 0;
DELETE FROM agent_day;
DELETE FROM watched;
DELETE FROM given_day;
DELETE FROM topic;
DELETE FROM topic_event;
DELETE FROM pending;
-- Nor do its sums say what is in it, until a writer takes them anew.
DELETE FROM row_hash;
