-- Posts and replies of a stretch of time that may match one of several topics: a cheap expression
-- that all of their keywords match, and their hashtags. Grain: one post.
-- The keywords without their word boundaries, whose Unicode classes cost RE2 a hundred times as
-- much, spare nearly all texts the exact expression. One more expression, which also matches what is
-- perhaps not in NFC, spares most texts to be looked through twice.
-- Needs: record, possible_match
-- Makes: nothing

INSERT INTO possible_match
SELECT
    collection, event_time, account, rkey, subject, subject_rkey, root, root_rkey, quoted, quoted_rkey,
    text, tags, title
FROM record
WHERE NOT removed
    AND collection = 'post'
    AND event_time >= $start AND event_time < $end
    AND (
        regexp_matches(text, $hint_or_unstable) AND regexp_matches(nfc(text), $hint)
        OR regexp_matches(title, $hint_or_unstable) AND regexp_matches(nfc(title), $hint)
        OR tagged(tags, $hashtags, $tag_pattern)
    )
