-- Of the posts that may match, those whose own text, link title or hashtags do match a topic.
-- Grain: one post. RE2 runs in time linear in the text, whatever the pattern.
INSERT INTO found
SELECT
    $topic, true, collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey
FROM hinted
WHERE
    CASE WHEN regexp_matches(nfc(text), $hint)
        THEN regexp_matches(nfc(text), $pattern)
    END
    OR CASE WHEN regexp_matches(nfc(title), $hint)
        THEN regexp_matches(nfc(title), $pattern)
    END
    -- Via upper case, in which the two lower-case sigmas, for one, are the same.
    OR list_has_any(
        list_transform(tags, lambda t: lower(upper(nfc(t)))),
        list_transform($hashtags::VARCHAR[], lambda t: lower(upper(t)))
    )
    OR ($tag_pattern::VARCHAR IS NOT NULL AND len(list_filter(
        tags, lambda t: regexp_matches(nfc(t), $tag_pattern)
    )) > 0)
