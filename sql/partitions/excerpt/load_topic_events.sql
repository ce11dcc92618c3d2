-- What belongs to the topic $topic or may. In: `given`, with collection, did, rkey, rkey_text and own, of records that
-- are there. Grain: one record.
-- Needs: given, account, record_key, record, topic_event
-- Makes: nothing
INSERT INTO topic_event BY NAME
SELECT
    $topic AS topic, belonging.own, record.collection, event_time, record.account, record.rkey,
    subject, subject_rkey, root, root_rkey, quoted, quoted_rkey
FROM (
    SELECT
        given.collection::collection AS collection, account.id AS account,
        coalesce(given.rkey, record_key.id) AS rkey, own
    FROM given
    JOIN account USING (did)
    LEFT JOIN record_key ON record_key.rkey = given.rkey_text
) AS belonging
JOIN record USING (collection, account, rkey)
ORDER BY event_time
