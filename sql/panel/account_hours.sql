-- What each account wrote on a topic in each hour. Grain: one account and UTC hour with a record.
-- Needs the temp tables `candidate` and `matching_post`.
SELECT
    date_trunc('hour', event_time)::TIMESTAMP AS hour,
    candidate.account,
    count(*) AS records
FROM candidate
LEFT JOIN matching_post AS target ON target.account = subject AND target.rkey = subject_rkey
LEFT JOIN matching_post AS thread ON thread.account = root AND thread.rkey = root_rkey
LEFT JOIN matching_post AS quote ON quote.account = quoted AND quote.rkey = quoted_rkey
WHERE own OR target.rkey IS NOT NULL OR thread.rkey IS NOT NULL OR quote.rkey IS NOT NULL
GROUP BY ALL
