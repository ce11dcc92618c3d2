-- Who answered, reposted or quoted whom on a topic, as c counts it: 1 reply, 2 repost, 3 quote. Grain: one
-- reply, repost or quote, in no order. Needs the temp tables `candidate` and `matching_post`.
WITH
    belonging AS (
        SELECT
            collection, candidate.account, subject, quoted, epoch_us(event_time)::BIGINT AS "time"
        FROM candidate
        LEFT JOIN matching_post AS target ON target.account = subject AND target.rkey = subject_rkey
        LEFT JOIN matching_post AS thread ON thread.account = root AND thread.rkey = root_rkey
        LEFT JOIN matching_post AS quote ON quote.account = quoted AND quote.rkey = quoted_rkey
        WHERE own OR target.rkey IS NOT NULL OR thread.rkey IS NOT NULL OR quote.rkey IS NOT NULL
    )
SELECT
    account,
    subject,
    CASE collection WHEN 'post' THEN 1::UTINYINT ELSE 2::UTINYINT END AS code,
    "time"
FROM belonging
WHERE subject <> account
UNION ALL
SELECT account, quoted, 3::UTINYINT, "time"
FROM belonging
WHERE quoted <> account
