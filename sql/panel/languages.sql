-- In which languages accounts post in a window: how many of their posts and replies state each. Of a
-- language, regions and scripts are one. Grain: one account and language. In: $start, $end.
WITH stated AS (
    SELECT account, langs, count(*) AS posts
    FROM record
    WHERE collection = 'post' AND NOT removed AND langs IS NOT NULL
        AND event_time >= $start AND event_time < $end
    GROUP BY account, langs
)
SELECT account, lang AS "group", sum(posts)::UBIGINT AS posts
FROM (
    SELECT
        account,
        posts,
        unnest(list_distinct(list_transform(
            string_split(langs, ' '), lambda tag: split_part(tag, '-', 1)
        ))) AS lang
    FROM stated
)
GROUP BY account, lang
