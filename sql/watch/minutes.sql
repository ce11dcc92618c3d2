-- How many accounts wrote something on a topic in each minute, and how many posts and replies there were. Grain:
-- one minute with a record, by its number since 1970. In: $since; $participants, without which they are 0.
-- Needs the temp tables `candidate` and `matching_post`.
SELECT
    epoch_us(event_time) // 60000000 AS minute,
    count(DISTINCT CASE WHEN $participants THEN candidate.account END) AS participants,
    count(*) FILTER (collection = 'post') AS posts
FROM candidate
LEFT JOIN matching_post AS target ON target.account = subject AND target.rkey = subject_rkey
LEFT JOIN matching_post AS thread ON thread.account = root AND thread.rkey = root_rkey
LEFT JOIN matching_post AS quote ON quote.account = quoted AND quote.rkey = quoted_rkey
WHERE event_time >= $since
    AND (own OR target.rkey IS NOT NULL OR thread.rkey IS NOT NULL OR quote.rkey IS NOT NULL)
GROUP BY ALL
