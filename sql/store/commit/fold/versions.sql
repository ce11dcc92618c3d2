-- Fold the sightings of a commit within itself, to one version of each record.
-- Needs: staged, coded, coded_again, batch_account, batch_key
-- Makes: numbered, collection_word, time_from_word, perhaps_related, version, met, sighting, content, folded, batch

-- The staged creates, updates and deletes of records, in numbers. Grain: one sighting. Unusual lines
-- come this way, which are few.
CREATE OR REPLACE TEMP TABLE numbered AS
WITH sighting AS (
    FROM staged
    WHERE kind IN ('post', 'repost', 'follow')
), named AS MATERIALIZED (
    -- Only the accounts that occur here: the engine would prepare all of them for the join.
    FROM batch_account
    SEMI JOIN (
        SELECT unnest(list_concat([did, subject_did, root_did, other_did], mention_dids)) AS did
        FROM sighting
    ) USING (did)
)
SELECT
    kind::collection AS collection,
    author.id AS account,
    CASE WHEN own.id IS NULL THEN tid_number(sighting.rkey)::BIGINT ELSE own.id END AS rkey,
    tid_number(rev) AS rev,
    operation = 'delete' AS removed,
    event_time,
    coalesce(time_from, 'server')::time_from AS time_from,
    subject.id AS subject,
    CASE WHEN subject_key.id IS NULL THEN tid_number(subject_rkey)::BIGINT ELSE subject_key.id END
        AS subject_rkey,
    root.id AS root,
    CASE WHEN root_key.id IS NULL THEN tid_number(root_rkey)::BIGINT ELSE root_key.id END
        AS root_rkey,
    CASE WHEN kind = 'post' THEN other.id END AS quoted,
    CASE
        WHEN kind <> 'post' THEN NULL
        WHEN other_key.id IS NULL THEN tid_number(other_rkey)::BIGINT
        ELSE other_key.id
    END AS quoted_rkey,
    CASE WHEN kind = 'repost' THEN other.id END AS via,
    CASE
        WHEN kind <> 'repost' THEN NULL
        WHEN other_key.id IS NULL THEN tid_number(other_rkey)::BIGINT
        ELSE other_key.id
    END AS via_rkey,
    text,
    tags,
    title,
    langs,
    domains,
    (
        SELECT list(mentioned.id ORDER BY did)
        FROM (SELECT unnest(mention_dids) AS did)
        JOIN named AS mentioned USING (did)
    ) AS mentions,
    labels
FROM sighting
JOIN named AS author USING (did)
LEFT JOIN named AS subject ON subject.did = sighting.subject_did
LEFT JOIN named AS root ON root.did = sighting.root_did
LEFT JOIN named AS other ON other.did = sighting.other_did
LEFT JOIN batch_key AS own ON own.rkey = sighting.rkey
LEFT JOIN batch_key AS subject_key ON subject_key.rkey = sighting.subject_rkey
LEFT JOIN batch_key AS root_key ON root_key.rkey = sighting.root_rkey
LEFT JOIN batch_key AS other_key ON other_key.rkey = sighting.other_rkey;

-- The words for the numbers that `coded` has of a collection, and of where a time comes from.
CREATE OR REPLACE TEMP MACRO collection_word(number) AS CASE number
    WHEN 0 THEN 'post'::collection
    WHEN 1 THEN 'repost'::collection
    ELSE 'follow'::collection
END;

CREATE OR REPLACE TEMP MACRO time_from_word(number) AS CASE number
    WHEN 0 THEN 'server'::time_from
    WHEN 1 THEN 'imported'::time_from
    WHEN 2 THEN 'key'::time_from
    WHEN 3 THEN 'claimed'::time_from
    ELSE 'collected'::time_from
END;

-- Whether a version is a follow or a repost of a post, of which there may be others: true, or NULL.
CREATE OR REPLACE TEMP MACRO perhaps_related(collection, removed, subject_rkey) AS
    CASE WHEN NOT removed AND (collection = 'follow' OR collection = 'repost' AND subject_rkey IS NOT NULL)
    THEN true END;

-- Every waiting create, update and delete of a record. Grain: one sighting. `repeated` says whether
-- `coded` has another of the same record. `related` is NULL where a version has no relation, and false
-- where nothing else that waits has the same.
CREATE OR REPLACE TEMP VIEW version AS
SELECT * REPLACE (
    collection_word(collection) AS collection, time_from_word(time_from) AS time_from
)
FROM coded
UNION ALL BY NAME
SELECT false AS repeated, perhaps_related(collection, removed, subject_rkey) AS related, *
FROM numbered;

-- Records of which `numbered` has a sighting that is not the only one. Grain: one record.
CREATE OR REPLACE TEMP TABLE met AS
SELECT account, collection, rkey
FROM (
    FROM version
    SEMI JOIN numbered USING (account, collection, rkey)
)
GROUP BY ALL
HAVING count(*) > 1;

-- The sightings of records that have several. Grain: one sighting. `coded_again` has those of `coded`
-- alone, so that the others need not be looked through. `tied` says whether another may have the same rev.
CREATE OR REPLACE TEMP VIEW sighting AS
SELECT * REPLACE (
    collection_word(collection) AS collection,
    time_from_word(time_from) AS time_from,
    tied OR (account, collection_word(collection), rkey) IN (FROM met) AS tied
)
FROM coded_again
UNION ALL BY NAME
SELECT true AS tied, *
FROM version
SEMI JOIN met USING (account, collection, rkey)
WHERE repeated IS NOT true;

-- What a version says, to be compared where two have the same rev, which only a faulty server sends.
-- Names stand for the numbers of accounts and keys, which depend on the order of events. `other` is what a
-- post quotes, or what a repost was found by. Words come last: where those of accounts that left are gone,
-- nothing depends on them. What an older schema did not keep is less than anything, so that the same event
-- read again brings it.
CREATE OR REPLACE TEMP MACRO content(
    subject, subject_rkey, subject_key, root, root_rkey, root_key, other, other_rkey, other_key, tags,
    title, text, langs, domains, mentions, labels
) AS {
    subject: subject,
    subject_rkey: greatest(subject_rkey, -1),
    subject_key: subject_key,
    root: root,
    root_rkey: greatest(root_rkey, -1),
    root_key: root_key,
    other: coalesce(other, ''),
    other_rkey: coalesce(greatest(other_rkey, -1), -2),
    other_key: coalesce(other_key, ''),
    tags: list_sort(list_distinct(tags)),
    title: title,
    text: text,
    langs: coalesce(langs, ''),
    domains: coalesce(domains, []),
    mentions: coalesce(list_sort(mentions), []),
    labels: coalesce(labels, '')
};

-- Records of which more than one sighting waits, folded. Grain: one record. The version of the
-- highest rev wins, of two with the same the delete, of two others the greater `content`, so that order
-- and repeats make no difference. The time is that of a sighting that was not a delete: of a server's
-- times, its own or imported, the earliest; only where there is none, the earliest of the kind that comes
-- next in `time_from`. `first_time` is the earliest of all kinds, where it is not that one.
CREATE OR REPLACE TEMP TABLE folded AS
WITH named AS MATERIALIZED (
    -- As above.
    SELECT id, coalesce(placeholder, did) AS name
    FROM batch_account
    SEMI JOIN (
        SELECT unnest(list_concat([subject, root, quoted, via], mentions)) AS id
        FROM sighting
        WHERE tied
    ) USING (id)
)
SELECT
    * EXCLUDE (earliest) REPLACE (nullif(first_time, earliest.event_time) AS first_time),
    earliest.event_time AS event_time,
    coalesce(earliest.time_from, 'server'::time_from) AS time_from
FROM (
    SELECT
        collection,
        account,
        sighting.rkey,
        unnest(arg_max(
            {
                rev: rev, removed: removed, subject: subject, subject_rkey: subject_rkey,
                root: root, root_rkey: root_rkey, quoted: quoted, quoted_rkey: quoted_rkey,
                via: via, via_rkey: via_rkey, text: text, tags: tags, title: title, langs: langs,
                domains: domains, mentions: mentions, labels: labels, related: related
            },
            {
                rev: rev,
                removed: removed,
                content: CASE WHEN tied THEN content(
                    subject_account.name, subject_rkey, subject_key.rkey, root_account.name,
                    root_rkey, root_key.rkey, other_account.name, coalesce(quoted_rkey, via_rkey),
                    other_key.rkey, tags, title, text, langs, domains,
                    (
                        SELECT list(mentioned.name)
                        FROM (SELECT unnest(CASE WHEN tied THEN mentions END) AS id)
                        JOIN named AS mentioned USING (id)
                    ),
                    labels
                ) END
            }
        )),
        min({
            rank: greatest(enum_code(time_from), 1), event_time: event_time, time_from: time_from
        }) FILTER (NOT removed) AS earliest,
        min(event_time) FILTER (NOT removed) AS first_time
    FROM sighting
    LEFT JOIN named AS subject_account ON subject_account.id = subject
    LEFT JOIN named AS root_account ON root_account.id = root
    LEFT JOIN named AS other_account ON other_account.id = coalesce(quoted, via)
    LEFT JOIN batch_key AS subject_key ON subject_key.id = subject_rkey
    LEFT JOIN batch_key AS root_key ON root_key.id = root_rkey
    LEFT JOIN batch_key AS other_key ON other_key.id = coalesce(quoted_rkey, via_rkey)
    GROUP BY collection, account, sighting.rkey
);

-- The batch, folded within itself. Grain: one record.
CREATE OR REPLACE TEMP VIEW batch AS
SELECT
    * EXCLUDE (repeated) REPLACE (
        CASE WHEN NOT removed THEN event_time END AS event_time,
        CASE WHEN NOT removed THEN time_from ELSE 'server'::time_from END AS time_from
    )
FROM version
ANTI JOIN met USING (account, collection, rkey)
WHERE repeated IS NOT true
UNION ALL BY NAME
FROM folded;
