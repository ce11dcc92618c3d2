-- Of the posts that came late or changed, those that may match. As hinted.sql. Needs `late`.
INSERT INTO hinted
SELECT collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey, text, tags, title
FROM record
WHERE rowid IN (SELECT place FROM late)
    AND collection = 'post'
    AND (
        regexp_matches(nfc(text), $hint)
        OR regexp_matches(nfc(title), $hint)
        OR list_has_any(
            list_transform(tags, lambda t: lower(upper(nfc(t)))),
            list_transform($hashtags::VARCHAR[], lambda t: lower(upper(t)))
        )
        OR ($tag_pattern::VARCHAR IS NOT NULL AND len(list_filter(
            tags, lambda t: regexp_matches(nfc(t), $tag_pattern)
        )) > 0)
    )
