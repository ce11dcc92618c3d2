-- What counts of each record, one at a time: that it was written, and each reply or repost that it
-- received, at the time of that. `other` is whom the record that was written answers or reposts, or
-- who answered or reposted. Grain: one record written, or one reply or repost.
-- Needs: counted_record
-- Makes: counted_part

CREATE OR REPLACE TEMP VIEW counted_part AS
SELECT
    account, collection, rkey, event_time, 1 AS written, 0 AS replies_received, 0 AS reposts_received,
    subject AS other
FROM counted_record
UNION ALL
-- Only posts are answered and reposted.
SELECT
    subject, 'post'::collection, subject_rkey, event_time,
    0, (collection = 'post')::INTEGER, (collection = 'repost')::INTEGER, account
FROM counted_record
WHERE subject <> account
