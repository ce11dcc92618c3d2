-- Which record answers which post, and which repost came from which post or from which earlier repost of it,
-- by their numbers. Grain: one answer or repost, in no order. Needs the temp tables `counted_record`, `named`,
-- `node`, `reposted` and `way`.
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
