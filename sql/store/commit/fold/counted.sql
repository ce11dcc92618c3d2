-- Note what imported tables count of posts, in the same transaction as the posts.
-- Needs: counted, batch_account, record_key, imported_count
-- Makes: newly_counted

-- Of what is counted of one post at several times the newest counts, of one time the most: in whatever order it
-- comes, the same stays. Posts of forgotten accounts are not among them. Grain: one post.
CREATE OR REPLACE TEMP TABLE newly_counted AS
WITH new AS (
    SELECT
        batch_account.id AS account,
        CASE WHEN record_key.id IS NULL THEN tid_number(counted.rkey)::BIGINT ELSE record_key.id END AS rkey,
        replies, reposts, quotes, counted_at
    FROM counted
    JOIN batch_account USING (did)
    LEFT JOIN record_key ON record_key.rkey = counted.rkey
    WHERE placeholder IS NULL
), known AS (
    FROM new
    UNION ALL
    FROM imported_count
    SEMI JOIN new USING (account, rkey)
)
SELECT account, rkey, unnest(max({
    counted_at: counted_at,
    replies: coalesce(replies, -1),
    reposts: coalesce(reposts, -1),
    quotes: coalesce(quotes, -1)
}))
FROM known
GROUP BY account, rkey;

DELETE FROM imported_count
WHERE (account, rkey) IN (SELECT (account, rkey) FROM newly_counted);

INSERT INTO imported_count BY NAME
SELECT
    account,
    rkey,
    nullif(replies, -1) AS replies,
    nullif(reposts, -1) AS reposts,
    nullif(quotes, -1) AS quotes,
    counted_at
FROM newly_counted;
