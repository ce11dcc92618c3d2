-- Which record answers which post, and which repost came from which post or from which earlier repost of it,
-- by their numbers: those of reposts are behind all of posts. Grain: one answer or repost, in no order.
-- Needs: record, and the temp tables `counted_record`, `named` and `node`.
WITH
    reposted AS (
        SELECT
            account, rkey, event_time, number AS post,
            (SELECT count(*) FROM node) + row_number() OVER () - 1 AS number
        FROM (
            SELECT record.account, record.rkey, event_time, node.number
            FROM counted_record AS record
            JOIN node ON node.account = record.subject AND node.rkey = record.subject_rkey
            WHERE record.collection = 'repost' AND record.account IN (SELECT account FROM named)
        )
    ),
    -- The repost that led to each, where the record names one.
    way AS (
        SELECT account, rkey, via, via_rkey
        FROM record
        WHERE collection = 'repost' AND via IS NOT NULL
            AND event_time >= (SELECT min(event_time) FROM reposted)
            AND event_time <= (SELECT max(event_time) FROM reposted)
    )
SELECT own.number AS child, target.number AS parent
FROM counted_record AS record
JOIN node AS own ON own.account = record.account AND own.rkey = record.rkey
JOIN node AS target ON target.account = record.subject AND target.rkey = record.subject_rkey
WHERE record.collection = 'post' AND record.account IN (SELECT account FROM named)
UNION ALL
-- A repost cannot have come by a later one: so nobody makes circles of them.
SELECT reposted.number, coalesce(earlier.number, reposted.post)
FROM reposted
LEFT JOIN way USING (account, rkey)
LEFT JOIN reposted AS earlier
    ON earlier.account = way.via
    AND earlier.rkey = way.via_rkey
    AND earlier.post = reposted.post
    AND earlier.event_time < reposted.event_time
