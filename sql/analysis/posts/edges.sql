-- Which record answers or reposts which post, by their numbers: those of reposts are behind all of
-- posts. Grain: one answer or repost, in no order.
-- Needs the temp tables `counted_record`, `named` and `node`.
SELECT
    CASE
        WHEN collection = 'post' THEN own.number
        ELSE (SELECT count(*) FROM node) + row_number() OVER (PARTITION BY collection) - 1
    END AS child,
    target.number AS parent
FROM counted_record AS record
JOIN node AS target ON target.account = record.subject AND target.rkey = record.subject_rkey
LEFT JOIN node AS own ON own.account = record.account AND own.rkey = record.rkey
WHERE record.subject_rkey IS NOT NULL AND record.account IN (SELECT account FROM named)
