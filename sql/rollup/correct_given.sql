-- The same of what watched accounts gave to others. Grain: one day, giver and receiver.
INSERT INTO given_day
SELECT
    day,
    account,
    subject,
    sum(CASE WHEN collection = 'post' THEN sign ELSE 0 END)::INTEGER AS replies,
    sum(CASE WHEN collection = 'repost' THEN sign ELSE 0 END)::INTEGER AS reposts,
    sum(CASE WHEN collection = 'follow' THEN sign ELSE 0 END)::INTEGER AS follows
FROM touched
WHERE subject <> account AND account IN (SELECT account FROM watched)
GROUP BY ALL
HAVING replies <> 0 OR reposts <> 0 OR follows <> 0
