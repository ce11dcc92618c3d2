-- Posts on which others may hang: the matches of some topics that the store has.
-- Needs: topic_event, hook
-- Makes: nothing

INSERT INTO hook
SELECT topic, account, rkey
FROM topic_event
WHERE own AND topic IN (SELECT unnest($topics::USMALLINT[]))
