-- Records of which more than one sighting waits, folded. Grain: one record. The version of the
-- highest rev wins, of two with the same the delete, so that order and repeats make no difference;
-- the time is that of the first sighting that was not a delete.
CREATE OR REPLACE TEMP TABLE folded AS
SELECT
    collection,
    account,
    rkey,
    unnest(arg_max(
        {
            rev: rev, removed: removed, subject: subject, subject_rkey: subject_rkey, root: root,
            root_rkey: root_rkey, text: text, tags: tags, title: title
        },
        {rev: rev, removed: removed}
    )),
    min(event_time) FILTER (NOT removed) AS event_time
FROM (
    FROM version
    WHERE repeated IS true
    UNION ALL
    FROM version
    SEMI JOIN met USING (account, collection, rkey)
    WHERE repeated IS NOT true
)
GROUP BY collection, account, rkey
