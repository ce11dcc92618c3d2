-- What was said of records that changed no longer holds.
DELETE FROM topic_event
USING touched
WHERE topic_event.account = touched.account
    AND topic_event.rkey = touched.rkey
    AND topic_event.collection = touched.collection
    AND touched.sign <= 0
