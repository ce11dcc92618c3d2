-- Sinitaivas: events of a relay, a file an hour (YYYY-MM-DDTHH.ndjson.gz), with revisions and deletes.
-- drawn: network
-- table: events
-- columns: author, rev, commit_time, action, uri, text?, langs?, reply?, embed?, facets?, tags?, labels?, subject?
-- example: {"author": "did:plc:ann2ann2ann2ann2ann2ann2", "rev": "3ki2ann33333k",
-- example: "commit_time": "2024-01-02T10:00:01Z", "action": "create",
-- example: "uri": "at://did:plc:ann2ann2ann2ann2ann2ann2/app.bsky.feed.post/3ki2ann22222k",
-- example: "text": "I like pears", "langs": ["en"]}
-- The same as an ingest: the time is the relay's, the highest revision wins, and a delete is final.
SELECT
    author AS actor,
    uri AS record,
    commit_time AS time,
    'server' AS time_from,
    rev,
    action = 'delete' AS removed,
    text,
    CASE WHEN json_valid(reply) THEN reply ->> '$.parent.uri' END AS parent,
    CASE WHEN json_valid(reply) THEN reply ->> '$.root.uri' END AS root,
    CASE WHEN json_valid(subject) THEN coalesce(subject ->> '$.uri', subject) ELSE subject END AS subject,
    CASE WHEN json_valid(embed)
        THEN coalesce(embed ->> '$.record.record.uri', embed ->> '$.record.uri')
    END AS quoted,
    CASE WHEN json_valid(embed)
        THEN coalesce(embed ->> '$.external.title', embed ->> '$.media.external.title')
    END AS title,
    langs,
    concat_ws(' ', tags, CASE WHEN json_valid(facets)
        THEN array_to_string(facets ->> '$[*].features[*].tag', ' ')
    END) AS tags,
    concat_ws(
        ' ',
        CASE WHEN json_valid(facets) THEN array_to_string(facets ->> '$[*].features[*].uri', ' ') END,
        CASE WHEN json_valid(embed) THEN embed ->> '$.external.uri' END,
        CASE WHEN json_valid(embed) THEN embed ->> '$.media.external.uri' END
    ) AS links,
    CASE WHEN json_valid(facets)
        THEN array_to_string(facets ->> '$[*].features[*].did', ' ')
    END AS mentions,
    CASE WHEN json_valid(labels) THEN array_to_string(labels ->> '$.values[*].val', ' ') END AS labels
FROM input
