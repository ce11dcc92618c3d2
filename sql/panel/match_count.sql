-- How many records belong to a topic beside those that the store has. One row. Needs the temp table
-- `topic_match`.
SELECT count(*) AS records
FROM topic_match
