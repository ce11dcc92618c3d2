-- Of the posts that may match, those whose own text, link title or hashtags do match a topic.
-- Grain: one post. RE2 runs in time linear in the text, whatever the pattern.
-- Needs: possible_match, topic_match
-- Makes: nothing

INSERT INTO topic_match
SELECT
    $topic, true, collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey,
    quoted, quoted_rkey
FROM possible_match
WHERE
    CASE WHEN regexp_matches(nfc(text), $hint)
        THEN regexp_matches(nfc(text), $pattern)
    END
    OR CASE WHEN regexp_matches(nfc(title), $hint)
        THEN regexp_matches(nfc(title), $pattern)
    END
    OR tagged(tags, $hashtags, $tag_pattern)
