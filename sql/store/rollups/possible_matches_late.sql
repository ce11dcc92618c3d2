-- Of the posts that came late or changed, those that may match. As possible_matches.sql.
-- Needs: record, late, possible_match
-- Makes: nothing

INSERT INTO possible_match
SELECT
    collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey, quoted, quoted_rkey,
    text, tags, title
FROM record
WHERE rowid IN (SELECT place FROM late)
    AND collection = 'post'
    AND (
        regexp_matches(text, $hint_or_unstable) AND regexp_matches(nfc(text), $hint)
        OR regexp_matches(title, $hint_or_unstable) AND regexp_matches(nfc(title), $hint)
        OR tagged(tags, $hashtags, $tag_pattern)
    )
