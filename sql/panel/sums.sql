-- What belongs to a topic in numbers: who wrote to whom, and what (0 post, 1 reply, 2 repost, 4 a quote,
-- which its post is beside). Grain: one event, and one quote. A post is to its author. Needs the temp
-- table `window_event`.
SELECT
    account,
    coalesce(subject, account) AS subject,
    CASE kind WHEN 'post' THEN 0::UTINYINT WHEN 'reply' THEN 1::UTINYINT ELSE 2::UTINYINT END AS code
FROM window_event
UNION ALL
SELECT account, quoted, 4::UTINYINT
FROM window_event
WHERE quoted IS NOT NULL
