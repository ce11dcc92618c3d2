-- And those that were known of the same topics.
INSERT INTO hook
SELECT topic, account, rkey
FROM topic_event
WHERE own AND topic IN (SELECT unnest($topics::USMALLINT[]))
