-- Posts and replies of the window whose own text, link title or hashtags match a topic. Grain: one
-- post. Needs the temp table `inactive`. RE2 runs in time linear in the text, whatever the pattern.
CREATE OR REPLACE TEMP TABLE matched AS
SELECT account, rkey
FROM event
WHERE kind IN ('post', 'reply')
    AND event_time >= $start AND event_time < $end
    AND (
        -- The keywords without their word boundaries, whose Unicode classes cost RE2 a hundred
        -- times as much, spare nearly all texts the exact expression.
        CASE WHEN regexp_matches(nfc_normalize(text), $hint)
            THEN regexp_matches(nfc_normalize(text), $pattern)
        END
        OR CASE WHEN regexp_matches(nfc_normalize(title), $hint)
            THEN regexp_matches(nfc_normalize(title), $pattern)
        END
        -- Via upper case, in which the two lower-case sigmas, for one, are the same.
        OR list_has_any(
            list_transform(tags, lambda t: lower(upper(nfc_normalize(t)))),
            list_transform($hashtags, lambda t: lower(upper(t)))
        )
        OR ($tag_pattern IS NOT NULL AND len(list_filter(
            tags, lambda t: regexp_matches(nfc_normalize(t), $tag_pattern)
        )) > 0)
    )
    AND account NOT IN (SELECT account FROM inactive)
