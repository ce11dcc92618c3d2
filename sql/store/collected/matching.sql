-- Which posts of `hits` belong to a topic by their own words, as sql/store/rollups/matches.sql decides. Grain: one
-- post that does.
SELECT number
FROM hits
WHERE
    regexp_matches(nfc(text), $hint) AND regexp_matches(nfc(text), $pattern)
    OR regexp_matches(nfc(title), $hint) AND regexp_matches(nfc(title), $pattern)
    OR tagged(tags, $hashtags, $tag_pattern)
ORDER BY number
