-- What each record of the panel is worth to its author. Grain: one record. It may be one that does
-- not count itself, if others answered or reposted it.
-- Needs: counted_record, named
-- Makes: record_value

CREATE OR REPLACE TEMP TABLE record_value AS
SELECT
    account,
    collection,
    rkey,
    sum(written)::INTEGER AS written,
    sum(replies_received)::INTEGER AS replies_received,
    sum(reposts_received)::INTEGER AS reposts_received,
    sum(written) * any_value(unit_a) AS value_own,
    (sum(replies_received) + sum(reposts_received)) * any_value(unit_c) AS value_received
FROM (
    SELECT account, collection, rkey, 1 AS written, 0 AS replies_received, 0 AS reposts_received
    FROM counted_record
    UNION ALL
    -- Only posts are answered and reposted.
    SELECT
        subject, 'post'::collection, subject_rkey,
        0, (collection = 'post')::INTEGER, (collection = 'repost')::INTEGER
    FROM counted_record
    WHERE subject <> account
)
JOIN named USING (account)
GROUP BY account, collection, rkey
