-- What counts of each record, one at a time: that it was written, and each reply, repost or quote that it
-- received, if `influence` has its kind, at the time of that. A post that answers and quotes is received
-- twice, as each of the two. `other` is whom the record that was written answers or reposts, or who
-- answered, reposted or quoted; `quoted` is whom the record that was written quotes, if `influence` has
-- quotes. Grain: one record written, or one reply, repost or quote.
-- Needs: counted_record
-- Makes: counted_part

CREATE OR REPLACE TEMP MACRO counted_part(influence) AS TABLE
SELECT
    account, collection, rkey, event_time,
    1 AS written, 0 AS replies_received, 0 AS reposts_received, 0 AS quotes_received, subject AS other,
    CASE WHEN list_contains(influence, 'quotes') THEN quoted END AS quoted
FROM counted_record
UNION ALL
-- Only posts are answered, reposted and quoted.
SELECT
    subject, 'post'::collection, subject_rkey, event_time,
    0, (collection = 'post')::INTEGER, (collection = 'repost')::INTEGER, 0, account, NULL
FROM counted_record
WHERE subject <> account
    AND list_contains(influence, CASE WHEN collection = 'post' THEN 'replies' ELSE 'reposts' END)
UNION ALL
SELECT quoted, 'post'::collection, quoted_rkey, event_time, 0, 0, 0, 1, account, NULL
FROM counted_record
WHERE quoted <> account AND list_contains(influence, 'quotes')
