-- Records of a deposit: what each is and hangs on, and a hash of its text with $salt before it. Grain: one
-- record, in no order. Needs the temp table `deposited` and the macros of macros.sql.
SELECT
    author.did AS agent,
    record_name(author.did, collection::VARCHAR, record.rkey, own_key.rkey) AS record,
    CASE
        WHEN collection = 'repost' THEN 'repost'
        WHEN subject IS NULL THEN 'post'
        ELSE 'reply'
    END AS kind,
    event_time AS "time",
    time_from::VARCHAR AS time_from,
    CASE WHEN subject_rkey IS NOT NULL
        THEN record_name(target.did, 'post', subject_rkey, target_key.rkey)
    END AS subject,
    CASE WHEN quoted_rkey IS NOT NULL
        THEN record_name(other.did, 'post', quoted_rkey, other_key.rkey)
    END AS quoted,
    CASE WHEN collection = 'post' THEN sha256($salt || coalesce("text", '')) END AS text_sha256
FROM deposited
JOIN record USING (collection, account, rkey)
JOIN account AS author ON author.id = record.account
LEFT JOIN account AS target ON target.id = record.subject
LEFT JOIN account AS other ON other.id = record.quoted
LEFT JOIN record_key AS own_key ON own_key.id = record.rkey
LEFT JOIN record_key AS target_key ON target_key.id = record.subject_rkey
LEFT JOIN record_key AS other_key ON other_key.id = record.quoted_rkey
