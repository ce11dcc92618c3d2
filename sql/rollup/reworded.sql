-- Posts that lose their texts in this commit no longer match by them. Those that hang on a match
-- still do.
UPDATE topic_event
SET own = false
FROM orphaned
WHERE own
    AND topic_event.account = orphaned.account
    AND topic_event.rkey = orphaned.rkey
    AND topic_event.collection = orphaned.collection
