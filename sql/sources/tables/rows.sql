-- What an importer gives, as events of records with a verdict each. Grain: one row of `given`, in order.
-- In: `given`, with the columns of rows_columns.sql, and the macros of macros.sql.
-- Keys of AT-URIs are given as they stand, `…_rkey`; those of records with identifiers of their own as numbers,
-- `…_key`. `row_text` is all that a row says that has no identifier.
-- verdict: '' kept, 'skip' valid but not kept, anything else the reason for rejecting it.
WITH named AS (
    SELECT
        * REPLACE (nullif(trim(actor), '') AS actor, lower(trim(kind)) AS kind),
        uri_part(record) AS uri,
        uri_part(parent) AS parent_uri,
        uri_part(root) AS root_uri,
        uri_part(subject) AS subject_uri,
        uri_part(quoted) AS quoted_uri
    FROM given
), meant AS (
    SELECT
        *,
        CASE
            WHEN kind IN ('post', 'reply', 'quote') THEN 'post'
            WHEN kind IN ('repost', 'follow') THEN kind
            WHEN kind IS NOT NULL AND kind <> '' THEN NULL
            WHEN uri.collection = 'app.bsky.feed.post' THEN 'post'
            WHEN uri.collection = 'app.bsky.feed.repost' THEN 'repost'
            WHEN uri.collection = 'app.bsky.graph.follow' THEN 'follow'
            WHEN uri.collection <> '' THEN 'skip'
            WHEN subject IS NOT NULL AND text IS NULL THEN 'repost'
            ELSE 'post'
        END AS meaning,
        -- A handle, or a number, beside an address: the account is that of the address.
        CASE WHEN uri.did <> '' AND NOT starts_with(actor, 'did:') THEN uri.did
            ELSE coalesce(account_name(actor), nullif(uri.did, ''))
        END AS did,
        moment(trim(time)) AS event_time,
        lower(trim(removed)) IN ('true', '1', 'yes', 't') AS is_removed,
        CASE meaning
            WHEN 'post' THEN coalesce(nullif(parent_uri.did, ''), account_name(parent_actor))
            WHEN 'repost' THEN coalesce(nullif(subject_uri.did, ''), account_name(subject_actor))
            WHEN 'follow' THEN coalesce(account_name(subject_actor), account_name(subject))
        END AS subject_did,
        CASE WHEN meaning = 'post' AND subject_did IS NOT NULL
            THEN coalesce(nullif(root_uri.did, ''), account_name(root_actor), subject_did)
        END AS root_did,
        CASE WHEN meaning = 'post'
            THEN coalesce(nullif(quoted_uri.did, ''), account_name(quoted_actor))
        END AS quoted_did,
        CASE WHEN mentions IS NOT NULL THEN list_sort(list_distinct(list_filter(
            list_transform(words(mentions)[1:32], lambda name: account_name(name)),
            lambda name: strlen(name) <= 2048
                AND (NOT starts_with(name, 'did:') OR regexp_full_match(name, getvariable('did')))
        ))) END AS mention_dids,
        meaning = 'post' AND (is_given(replies) OR is_given(reposts) OR is_given(quotes)) AS has_counts,
        CASE WHEN is_given(counted_at) THEN moment(trim(counted_at)) ELSE getvariable('as_of') END
            AS counted_time
    FROM named
)
SELECT
    CASE
        WHEN meaning = 'skip' THEN 'skip'
        WHEN meaning IS NULL THEN 'unknown kind'
        WHEN starts_with(record, 'at://') AND uri.did = '' THEN 'bad AT-URI'
        WHEN did IS NULL THEN 'missing actor'
        WHEN strlen(did) > 2048
            OR (starts_with(did, 'did:') AND NOT regexp_full_match(did, getvariable('did')))
            THEN 'bad DID'
        WHEN uri.did <> '' AND uri.did <> did THEN 'actor is not of its record'
        WHEN uri.did <> '' AND uri.collection <> CASE meaning
            WHEN 'post' THEN 'app.bsky.feed.post'
            WHEN 'repost' THEN 'app.bsky.feed.repost'
            ELSE 'app.bsky.graph.follow' END THEN 'kind is not of its record'
        WHEN strlen(uri.rkey) > 512 OR strlen(record) > 4096 THEN 'bad record key'
        WHEN time_from NOT IN ('server', 'imported', 'key', 'claimed', 'collected')
            THEN 'bad time'
        WHEN time IS NOT NULL AND trim(time) <> '' AND event_time IS NULL THEN 'bad time'
        WHEN is_removed THEN CASE WHEN record IS NULL OR rev IS NULL THEN 'missing field' ELSE '' END
        WHEN meaning = 'post' AND strlen(text) > 65536 THEN 'bad record'
        WHEN meaning = 'repost' AND subject_did IS NULL THEN 'missing subject'
        WHEN meaning = 'follow' AND subject_did IS NULL THEN 'missing subject'
        WHEN strlen(subject_did) > 2048 OR strlen(root_did) > 2048 OR strlen(quoted_did) > 2048
            THEN 'bad DID'
        WHEN (starts_with(subject_did, 'did:')
                AND NOT regexp_full_match(subject_did, getvariable('did')))
            OR (starts_with(root_did, 'did:') AND NOT regexp_full_match(root_did, getvariable('did')))
            OR (starts_with(quoted_did, 'did:')
                AND NOT regexp_full_match(quoted_did, getvariable('did')))
            THEN 'bad DID'
        WHEN has_counts AND (
            (is_given(replies) AND counted(replies) IS NULL)
            OR (is_given(reposts) AND counted(reposts) IS NULL)
            OR (is_given(quotes) AND counted(quotes) IS NULL)
        ) THEN 'bad count'
        WHEN has_counts AND (
            counted_time IS NULL OR counted_time < getvariable('first')
            OR counted_time >= getvariable('last')
        ) THEN 'bad time'
        ELSE ''
    END AS verdict,
    CASE meaning WHEN 'post' THEN 0 WHEN 'repost' THEN 1 WHEN 'follow' THEN 2 ELSE 0 END::UTINYINT
        AS collection,
    did,
    nullif(uri.rkey, '') AS rkey,
    CASE WHEN uri.rkey = '' AND record <> '' THEN own_key(record) END AS record_key,
    -- What is NULL adds nothing.
    CASE WHEN (record IS NULL OR record = '') THEN concat(
        getvariable('prefix'), meaning, chr(31) || 'a' || actor, chr(31) || 'b' || time,
        chr(31) || 'c' || time_from, chr(31) || 'd' || parent, chr(31) || 'e' || parent_actor,
        chr(31) || 'f' || root, chr(31) || 'g' || root_actor, chr(31) || 'h' || subject,
        chr(31) || 'i' || subject_actor, chr(31) || 'j' || quoted, chr(31) || 'k' || quoted_actor,
        chr(31) || 'l' || text, chr(31) || 'm' || title, chr(31) || 'n' || tags,
        chr(31) || 'o' || langs, chr(31) || 'p' || links, chr(31) || 'q' || mentions,
        chr(31) || 'r' || labels, chr(31) || 's' || replies, chr(31) || 't' || reposts,
        chr(31) || 'u' || quotes
    ) END AS row_text,
    nullif(rev, '') AS rev,
    is_removed IS TRUE AS removed,
    event_time,
    CASE
        WHEN event_time IS NULL OR time_from = 'key' THEN 2
        WHEN time_from = 'server' THEN 0
        WHEN time_from = 'imported' THEN 1
        WHEN time_from = 'collected' THEN 4
        ELSE 3
    END::UTINYINT AS time_from,
    subject_did,
    CASE WHEN subject_did IS NULL THEN NULL
        WHEN meaning = 'post' AND parent_uri.collection = 'app.bsky.feed.post' THEN parent_uri.rkey
        WHEN meaning = 'repost' AND subject_uri.collection = 'app.bsky.feed.post'
            THEN subject_uri.rkey
    END AS subject_rkey,
    CASE
        WHEN subject_did IS NULL THEN NULL
        WHEN meaning = 'post' AND parent_uri.did = '' AND parent <> '' THEN own_key(parent)
        WHEN meaning = 'repost' AND subject_uri.did = '' AND subject <> '' THEN own_key(subject)
    END AS subject_key,
    root_did,
    CASE
        WHEN root_did IS NULL THEN NULL
        WHEN root_uri.collection = 'app.bsky.feed.post' THEN root_uri.rkey
        WHEN coalesce(root, '') = '' AND coalesce(root_actor, '') = ''
            AND parent_uri.collection = 'app.bsky.feed.post' THEN parent_uri.rkey
    END AS root_rkey,
    CASE
        WHEN root_did IS NULL THEN NULL
        WHEN root_uri.did = '' AND root <> '' THEN own_key(root)
        WHEN coalesce(root, '') = '' AND coalesce(root_actor, '') = ''
            AND parent_uri.did = '' AND parent <> '' THEN own_key(parent)
    END AS root_key,
    quoted_did,
    CASE WHEN quoted_did IS NOT NULL AND quoted_uri.collection = 'app.bsky.feed.post'
        THEN quoted_uri.rkey
    END AS quoted_rkey,
    CASE WHEN quoted_did IS NOT NULL AND quoted_uri.did = '' AND quoted <> ''
        THEN own_key(quoted)
    END AS quoted_key,
    CASE WHEN meaning = 'post' AND is_removed IS NOT TRUE THEN coalesce(text, '') END AS text,
    CASE WHEN meaning = 'post' THEN nullif(title, '') END AS title,
    CASE WHEN meaning = 'post' AND tags IS NOT NULL THEN nullif(list_sort(list_distinct(list_filter(
        list_transform(words(tags), lambda tag: ltrim(tag, '#')), lambda tag: tag <> ''
    ))), []) END AS tags,
    CASE WHEN meaning = 'post' AND langs IS NOT NULL THEN nullif(array_to_string(list_filter(
        list_transform(
            list_filter(words(langs)[1:8], lambda l: regexp_full_match(l, getvariable('language'))),
            lambda l: lower(l)
        ),
        lambda l, place: list_position(
            list_transform(
                list_filter(words(langs)[1:8], lambda m: regexp_full_match(m, getvariable('language'))),
                lambda m: lower(m)
            ), l
        ) = place
    ), ' '), '') END AS langs,
    CASE WHEN meaning = 'post' AND links IS NOT NULL THEN nullif(list_sort(list_distinct(list_filter(
        list_transform(
            regexp_extract_all(links, '(?i)https?://[^\s|\]''"]+')[1:32],
            lambda l: lower(regexp_extract(l, getvariable('host'), 1))
        ),
        lambda h: strlen(h) BETWEEN 1 AND 253
    ))), []) END AS domains,
    CASE WHEN meaning = 'post' THEN nullif(mention_dids, []) END AS mention_dids,
    CASE WHEN meaning = 'post' AND labels IS NOT NULL THEN nullif(array_to_string(list_sort(
        list_distinct(list_filter(
            words(labels)[1:8], lambda v: regexp_full_match(v, getvariable('label'))
        ))
    ), ' '), '') END AS labels,
    coalesce(has_counts, false) AND is_removed IS NOT TRUE AS has_counts,
    counted(replies) AS replies,
    counted(reposts) AS reposts,
    counted(quotes) AS quotes,
    counted_time AS counted_at,
    -- A reply or a quote of which nothing tells whose post it answers or quotes.
    CASE WHEN meaning = 'post' AND subject_did IS NULL
            AND (coalesce(kind, '') = 'reply' OR coalesce(parent, '') <> '') THEN 1 ELSE 0
    END + CASE WHEN meaning = 'post' AND quoted_did IS NULL
            AND (coalesce(kind, '') = 'quote' OR coalesce(quoted, '') <> '') THEN 2 ELSE 0
    END AS unknown,
    coalesce(time, actor, record, '') AS sample
FROM meant
