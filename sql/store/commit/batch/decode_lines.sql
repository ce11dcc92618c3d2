-- Jetstream JSON lines, v1 or v2, to event rows with a verdict each.
-- In: `lines` (position, line VARCHAR), an Arrow table; a position is what the caller will know a line by.
-- Out: temp table `decoded`, grain one line.
-- This statement says what a line means. Lines as Jetstream writes them, which are most, are parsed
-- by blueattr/decode/parser/line.py to the same result and do not come here.
-- From $end on, server times lie ahead of the clock, as do revisions after $last_rev; see
-- blueattr/decode/clock.py. `ahead` says which lines are refused for their time.
-- verdict: '' kept, 'skip' valid but not kept, anything else the reason for rejecting it.
CREATE OR REPLACE TEMP TABLE decoded AS
WITH wanted AS (
    SELECT
        position,
        line,
        -- A frame as servers write it, or a line in which nothing hints at v2: these are parsed as
        -- what they are, in a third of the time. A text that quotes one of the hints has \" for ".
        -- A search that begins with " stops at every string of the line: five times as slow.
        CASE
            WHEN starts_with(line, '{"$type":"message","payload":{') THEN 'frame'
            WHEN regexp_matches(line, '\$type"\s*:\s*"(message"|network\.bsky\.jetstream\.)')
                OR contains(line, '\u00') THEN 'any'
            ELSE 'v1'
        END AS form
    FROM lines
), plain AS (
    SELECT position, line, try(from_json(line, $v1)) AS j
    FROM wanted
    WHERE form = 'v1'
), other AS (
    -- A v2 event comes in a message frame; a file may hold the frames or what is in them.
    SELECT
        position,
        line,
        j,
        coalesce(
            j."$type" = 'message'
                OR starts_with(j."$type", 'network.bsky.jetstream.subscribeEvents#'),
            false
        ) AS v2,
        CASE WHEN j."$type" = 'message' THEN j.payload ELSE struct_pack(
            "$type" := j."$type", did := j.did, time := j.time, rev := j.rev,
            operation := j.operation, collection := j.collection, rkey := j.rkey,
            record := j.record, identity := j.identity, account := j.account
        ) END AS e
    FROM (SELECT position, line, try(from_json(line, $any)) AS j FROM wanted WHERE form = 'any')
), framed AS (
    SELECT position, line, try(from_json(line, $frame)) AS j
    FROM wanted
    WHERE form = 'frame'
), fields AS (
    SELECT
        position,
        line,
        j IS NULL AS unparsed,
        coalesce(j.kind, old_kind(j.type)) AS event,
        j.did AS did,
        CASE WHEN j.time_us BETWEEN 0 AND 253402300799999999 THEN make_timestamp(j.time_us) END
            AS event_time,
        j.commit.collection AS collection,
        coalesce(j.commit.operation, old_operation(j.commit.type)) AS operation,
        j.commit.rkey AS rkey,
        j.commit.rev AS rev,
        j.commit.record AS record,
        j.identity.handle AS handle,
        j.account AS account
    FROM plain
    UNION ALL
    SELECT
        position,
        line,
        j IS NULL,
        CASE
            WHEN NOT v2 THEN coalesce(j.kind, old_kind(j.type))
            WHEN starts_with(e."$type", 'network.bsky.jetstream.subscribeEvents#')
                THEN split_part(e."$type", '#', 2)
        END,
        e.did,
        CASE
            WHEN v2 THEN try_cast(e.time AS TIMESTAMPTZ)::TIMESTAMP
            WHEN j.time_us BETWEEN 0 AND 253402300799999999 THEN make_timestamp(j.time_us)
        END,
        CASE WHEN v2 THEN e.collection ELSE j.commit.collection END,
        CASE WHEN v2 THEN e.operation
            ELSE coalesce(j.commit.operation, old_operation(j.commit.type))
        END,
        CASE WHEN v2 THEN e.rkey ELSE j.commit.rkey END,
        CASE WHEN v2 THEN e.rev ELSE j.commit.rev END,
        CASE WHEN v2 THEN e.record ELSE j.commit.record END,
        e.identity.handle,
        e.account
    FROM other
    UNION ALL
    SELECT
        position,
        line,
        j IS NULL,
        CASE WHEN starts_with(j.payload."$type", 'network.bsky.jetstream.subscribeEvents#')
            THEN split_part(j.payload."$type", '#', 2)
        END,
        j.payload.did,
        try_cast(j.payload.time AS TIMESTAMPTZ)::TIMESTAMP,
        j.payload.collection,
        j.payload.operation,
        j.payload.rkey,
        j.payload.rev,
        j.payload.record,
        j.payload.identity.handle,
        j.payload.account
    FROM framed
), typed AS (
    SELECT
        * REPLACE (
            CASE WHEN event_time >= TIMESTAMP '2020-01-01' AND event_time < TIMESTAMP '2100-01-01'
                THEN event_time
            END AS event_time
        ),
        -- Said by a key of the line itself, like `synthetic`; it may be written with escapes.
        CASE WHEN contains(line, 'time_from"') OR contains(line, '\u00')
            THEN try(line ->> '$.time_from')
        END AS time_from,
        CASE
            WHEN event IN ('identity', 'account') THEN event
            WHEN event = 'commit' AND collection = 'app.bsky.feed.post' THEN 'post'
            WHEN event = 'commit' AND collection = 'app.bsky.feed.repost' THEN 'repost'
            WHEN event = 'commit' AND collection = 'app.bsky.graph.follow' THEN 'follow'
            WHEN event = 'commit' AND collection = 'app.bsky.actor.profile' THEN 'profile'
        END AS kind,
        operation IN ('create', 'update') AS writes,
        regexp_extract(
            CASE
                WHEN NOT writes THEN NULL
                WHEN kind = 'repost' THEN record.subject ->> '$.uri'
                WHEN kind = 'post' THEN record.reply.parent.uri
            END,
            $at_uri, ['did', 'collection', 'rkey']
        ) AS subject,
        regexp_extract(
            CASE WHEN writes AND kind = 'post' THEN record.reply.root.uri END,
            $at_uri, ['did', 'collection', 'rkey']
        ) AS root,
        -- The post that a post quotes, or the repost by which a repost was found.
        regexp_extract(
            CASE
                WHEN NOT writes THEN NULL
                WHEN kind = 'repost' THEN record.via.uri
                WHEN kind = 'post'
                    THEN coalesce(record.embed.record.record.uri, record.embed.record.uri)
            END,
            $at_uri, ['did', 'collection', 'rkey']
        ) AS other,
        CASE WHEN kind = 'follow' AND writes THEN record.subject ->> '$' END AS followed,
        CASE WHEN kind = 'post' AND writes THEN nullif(
            list_sort(list_distinct(list_concat(
                coalesce(record.tags, []),
                coalesce(flatten(list_transform(
                    record.facets,
                    lambda f: list_transform(f.features, lambda g: g.tag)
                )), [])
            ))), []
        ) END AS tags,
        CASE WHEN kind = 'post' AND writes
            THEN coalesce(record.embed.external.title, record.embed.media.external.title)
        END AS title,
        -- What posts are sliced by: of each the first few that a line has. What is malformed is left
        -- out by itself, and does not make a line bad.
        CASE WHEN kind = 'post' AND writes
            THEN flatten(list_transform(record.facets, lambda f: f.features))
        END AS features,
        CASE WHEN kind = 'post' AND writes THEN list_transform(
            list_filter(
                list_filter(record.langs, lambda l: l IS NOT NULL)[1:8],
                lambda l: regexp_full_match(l, $language)
            ),
            lambda l: lower(l)
        ) END AS langs,
        CASE WHEN kind = 'post' AND writes THEN list_transform(
            list_filter(
                list_concat(
                    list_transform(features, lambda g: g.uri),
                    [record.embed.external.uri, record.embed.media.external.uri]
                ),
                lambda l: l IS NOT NULL
            )[1:32],
            lambda l: lower(regexp_extract(l, $host, 1))
        ) END AS hosts,
        list_filter(
            list_filter(list_transform(features, lambda g: g.did), lambda d: d IS NOT NULL)[1:32],
            lambda d: strlen(d) <= 2048 AND regexp_full_match(d, $did)
        ) AS mention_dids,
        CASE WHEN kind IN ('post', 'profile') AND writes THEN list_sort(list_distinct(list_filter(
            list_filter(
                list_transform(record.labels.values, lambda v: v.val), lambda v: v IS NOT NULL
            )[1:8],
            lambda v: regexp_full_match(v, $label)
        ))) END AS own_labels
    FROM fields
), judged AS (
    SELECT
        *,
        CASE
            WHEN unparsed THEN 'not JSON'
            WHEN event IN ('info', 'sync') THEN 'skip'
            WHEN event IS NULL OR event = '' OR did IS NULL THEN 'not a Jetstream event'
            WHEN event NOT IN ('commit', 'identity', 'account') THEN 'unknown event kind'
            WHEN strlen(did) > 2048 OR NOT regexp_full_match(did, $did) THEN 'bad DID'
            WHEN event_time IS NULL OR event_time >= $end
                OR time_from NOT IN ('server', 'imported', 'key', 'claimed', 'collected')
                THEN 'bad time'
            WHEN event = 'commit' AND (collection IS NULL OR collection = '')
                THEN 'missing field'
            WHEN kind IS NULL THEN 'skip'
            WHEN kind = 'account' AND account.active IS NULL THEN 'missing field'
            WHEN kind IN ('identity', 'account') THEN ''
            WHEN rkey IS NULL OR rev IS NULL OR operation IS NULL THEN 'missing field'
            WHEN operation NOT IN ('create', 'update', 'delete') THEN 'unknown operation'
            WHEN strlen(rkey) > 512 OR NOT regexp_full_match(rkey, '[A-Za-z0-9._:~-]+')
                OR rkey IN ('.', '..') THEN 'bad record key'
            WHEN NOT regexp_full_match(rev, '[234567a-j][2-7a-z]{12}') OR rev > $last_rev
                THEN 'bad rev'
            WHEN kind = 'profile' AND rkey <> 'self' THEN 'skip'
            WHEN NOT writes THEN ''
            WHEN record IS NULL THEN 'missing field'
            WHEN kind = 'post' AND (coalesce(json_type(record.text), '') <> 'VARCHAR') THEN 'bad record'
            -- The engine holds two thousand of them at a time, and a service takes no such posts.
            WHEN kind = 'post' AND strlen(line) > 65536
                AND strlen(record.text ->> '$') + coalesce(strlen(title), 0) + coalesce(
                    list_sum(list_transform(tags, lambda tag: strlen(tag))), 0
                ) > 65536 THEN 'bad record'
            WHEN kind = 'post' AND record.reply IS NOT NULL
                AND (coalesce(subject.did, '') = '' OR coalesce(root.did, '') = ''
                    OR strlen(subject.rkey) > 512 OR strlen(root.rkey) > 512) THEN 'bad AT-URI'
            WHEN kind = 'repost' AND record.subject IS NULL THEN 'bad record'
            WHEN kind = 'repost' AND (coalesce(subject.did, '') = '' OR strlen(subject.rkey) > 512)
                THEN 'bad AT-URI'
            WHEN kind = 'follow' AND (coalesce(json_type(record.subject), '') <> 'VARCHAR')
                THEN 'bad record'
            WHEN kind = 'follow'
                AND (strlen(followed) > 2048 OR NOT regexp_full_match(followed, $did)) THEN 'bad DID'
            ELSE ''
        END AS verdict
    FROM typed
)
SELECT
    position,
    verdict,
    coalesce(verdict = 'bad time' AND event_time >= $end, false) AS ahead,
    event_time,
    time_from,
    kind,
    did,
    CASE WHEN event = 'commit' THEN operation END AS operation,
    CASE WHEN event = 'commit' THEN rkey END AS rkey,
    CASE WHEN event = 'commit' THEN rev END AS rev,
    CASE WHEN kind = 'follow' THEN followed ELSE nullif(subject.did, '') END AS subject_did,
    -- Only a post can be matched by a topic; a reposted feed generator has an author all the same.
    CASE WHEN subject.collection = 'app.bsky.feed.post' THEN subject.rkey END AS subject_rkey,
    nullif(root.did, '') AS root_did,
    CASE WHEN root.collection = 'app.bsky.feed.post' THEN root.rkey END AS root_rkey,
    CASE WHEN kind = 'post' AND writes THEN record.text ->> '$' END AS text,
    CASE
        WHEN strlen(other.did) > 2048 OR strlen(other.rkey) > 512 THEN NULL
        WHEN other.collection = CASE kind
            WHEN 'post' THEN 'app.bsky.feed.post' ELSE 'app.bsky.feed.repost'
        END THEN other.did
    END AS other_did,
    CASE WHEN other_did IS NOT NULL THEN other.rkey END AS other_rkey,
    tags,
    title,
    nullif(
        array_to_string(
            list_filter(langs, lambda tag, place: list_position(langs, tag) = place), ' '
        ),
        ''
    ) AS langs,
    nullif(
        list_sort(list_distinct(list_filter(hosts, lambda h: strlen(h) BETWEEN 1 AND 253))), []
    ) AS domains,
    nullif(list_sort(list_distinct(mention_dids)), []) AS mention_dids,
    nullif(array_to_string(own_labels, ' '), '') AS labels,
    kind = 'profile' AND writes
        AND coalesce(list_contains(list_transform(record.labels.values, lambda v: v.val), 'bot'), false)
        AS bot,
    CASE WHEN kind = 'identity' AND strlen(handle) <= 253
            AND regexp_full_match(handle, $handle) AND lower(handle) <> 'handle.invalid'
        THEN lower(handle)
    END AS handle,
    -- Said by a key of the line itself. Few lines have these letters, so that few are parsed again.
    CASE
        WHEN verdict IN ('', 'skip') AND contains(line, 'synthetic"')
            THEN coalesce(try(json_extract(line, '$.synthetic')) = 'true', false)
        ELSE false
    END AS synthetic,
    account.active AS active,
    CASE WHEN account.active THEN '' ELSE coalesce(nullif(account.status, ''), 'unknown') END AS status
FROM judged
