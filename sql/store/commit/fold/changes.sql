-- Find what the batch changes in the table of records.
-- Needs: batch, record, record_key, account
-- Makes: far, seen, disputed, contender, contender_name, changed, current

-- Where the store has keys of the batch that lie beyond $low and $high, as few do: all of it is searched
-- for them, by the key alone, which is nearly always of the same record. Grain: one record.
CREATE OR REPLACE TEMP TABLE far AS
SELECT record.rowid AS place
FROM record
SEMI JOIN (SELECT rkey FROM batch WHERE rkey NOT BETWEEN $low AND $high) USING (rkey);

-- Records of the batch that the store has: where, what they were, and what is new about them. Grain:
-- one record. Most keys lie between $low and $high, where little of the store does.
CREATE OR REPLACE TEMP TABLE seen AS
WITH distant AS MATERIALIZED (
    -- By itself first: otherwise the engine would read all columns of all records.
    SELECT
        rowid AS place, collection, account, rkey, rev, removed, event_time, time_from, first_time,
        subject, subject_rkey, is_repeat, quoted
    FROM record
    WHERE rowid IN (SELECT place FROM far)
)
SELECT
    place,
    collection,
    account,
    rkey,
    old_removed,
    old_time,
    old_subject,
    old_subject_rkey,
    old_is_repeat,
    old_quoted,
    new_rev = old_rev AND NOT new_removed AND NOT old_removed AS tied,
    new_rev > old_rev OR new_rev = old_rev AND new_removed > old_removed AS newer,
    -- As `folded` chooses between two times.
    CASE
        WHEN new_time IS NULL THEN false
        WHEN old_time IS NULL THEN true
        ELSE (greatest(enum_code(new_from), 1), new_time, new_from)
            < (greatest(enum_code(old_from), 1), old_time, old_from)
    END AS better_time,
    newer OR better_time OR new_first < old_first AS changed,
    CASE WHEN better_time THEN new_time ELSE old_time END AS event_time,
    nullif(least(old_first, new_first), event_time) AS first_time,
    CASE WHEN better_time THEN new_from ELSE old_from END AS time_from
FROM (
    SELECT
        old.rowid AS place, collection, account, rkey, old.rev AS old_rev, new.rev AS new_rev,
        old.removed AS old_removed, new.removed AS new_removed, old.event_time AS old_time,
        new.event_time AS new_time, old.time_from AS old_from, new.time_from AS new_from,
        least(old.event_time, old.first_time) AS old_first,
        least(new.event_time, new.first_time) AS new_first,
        old.subject AS old_subject, old.subject_rkey AS old_subject_rkey,
        old.is_repeat AS old_is_repeat, old.quoted AS old_quoted
    FROM batch AS new
    JOIN record AS old USING (rkey, account, collection)
    WHERE new.rkey BETWEEN $low AND $high AND old.rkey BETWEEN $low AND $high
    UNION ALL
    SELECT
        place, new.collection, new.account, new.rkey, old.rev, new.rev, old.removed, new.removed,
        old.event_time, new.event_time, old.time_from, new.time_from,
        least(old.event_time, old.first_time), least(new.event_time, new.first_time), old.subject,
        old.subject_rkey, old.is_repeat, old.quoted
    FROM batch AS new
    JOIN distant AS old
        ON old.rkey = new.rkey
        AND old.account = new.account
        AND old.collection = new.collection
    WHERE new.rkey NOT BETWEEN $low AND $high
);

-- Those of which store and batch have versions of one rev that differ. Grain: one record.
CREATE OR REPLACE TEMP TABLE disputed AS
SELECT place, old_version, new_version
FROM (
    SELECT
        place, account, collection, rkey,
        {
            subject: subject, subject_rkey: subject_rkey, root: root, root_rkey: root_rkey,
            other: coalesce(quoted, via), other_rkey: coalesce(quoted_rkey, via_rkey),
            tags: tags, title: title, text: text, langs: langs, domains: domains,
            mentions: mentions, labels: labels
        } AS old_version
    FROM (SELECT rowid AS place, * FROM record WHERE rowid IN (SELECT place FROM seen WHERE tied))
)
JOIN (
    SELECT
        account, collection, rkey,
        {
            subject: subject, subject_rkey: subject_rkey, root: root, root_rkey: root_rkey,
            other: coalesce(quoted, via), other_rkey: coalesce(quoted_rkey, via_rkey),
            tags: list_sort(list_distinct(tags)), title: title, text: text, langs: langs,
            domains: domains, mentions: mentions, labels: labels
        } AS new_version
    FROM batch
    SEMI JOIN (FROM seen WHERE tied) USING (account, collection, rkey)
) USING (account, collection, rkey)
WHERE old_version <> new_version;  -- in which NULL equals NULL

-- Their versions, one after the other. Grain: one version.
CREATE OR REPLACE TEMP TABLE contender AS
SELECT place, is_new, unnest(contended)
FROM (
    SELECT
        place,
        unnest([false, true]) AS is_new,
        unnest([old_version, new_version]) AS contended
    FROM disputed
);

-- The names of the accounts and keys in them. Grain: one number: an account's is above 0, a key's below.
CREATE OR REPLACE TEMP TABLE contender_name AS
WITH number AS MATERIALIZED (
    SELECT unnest(list_concat(
        [
            subject, root, other, least(subject_rkey, 0), least(root_rkey, 0), least(other_rkey, 0)
        ],
        mentions
    )) AS id
    FROM contender
)
SELECT id::BIGINT AS id, did AS name
FROM account
WHERE id IN (SELECT id FROM number WHERE id > 0)
UNION ALL
SELECT id, rkey
FROM record_key
WHERE id IN (SELECT id FROM number WHERE id < 0);

-- Of two such versions the greater `content` wins, as in a batch.
UPDATE seen
SET newer = true, changed = true
WHERE place IN (
    SELECT place
    FROM contender
    LEFT JOIN contender_name AS subject_account ON subject_account.id = subject
    LEFT JOIN contender_name AS root_account ON root_account.id = root
    LEFT JOIN contender_name AS subject_key ON subject_key.id = least(subject_rkey, 0)
    LEFT JOIN contender_name AS root_key ON root_key.id = least(root_rkey, 0)
    LEFT JOIN contender_name AS other_account ON other_account.id = other
    LEFT JOIN contender_name AS other_key ON other_key.id = least(other_rkey, 0)
    GROUP BY place
    HAVING arg_max(
        is_new,
        content(
            subject_account.name, subject_rkey, subject_key.name, root_account.name, root_rkey,
            root_key.name, other_account.name, other_rkey, other_key.name, tags, title, text, langs,
            domains,
            (
                SELECT list(mentioned.name)
                FROM (SELECT unnest(mentions) AS id)
                JOIN contender_name AS mentioned USING (id)
            ),
            labels
        )
    )
);

-- Those of the batch that change, as they become. Grain: one record.
CREATE OR REPLACE TEMP TABLE changed AS
SELECT new.* REPLACE (
    seen.event_time AS event_time, seen.time_from AS time_from, seen.first_time AS first_time
)
FROM batch AS new
JOIN seen USING (account, collection, rkey)
WHERE newer
UNION ALL BY NAME
SELECT
    old.* EXCLUDE (is_repeat) REPLACE (
        seen.event_time AS event_time, seen.time_from AS time_from, seen.first_time AS first_time
    ),
    perhaps_related(old.collection, removed, subject_rkey) AS related
FROM record AS old
JOIN seen ON old.rowid = seen.place
WHERE changed AND NOT newer;

-- Records that are new or changed, as they become. Grain: one record.
CREATE OR REPLACE TEMP VIEW current AS
FROM batch
ANTI JOIN seen USING (account, collection, rkey)
UNION ALL BY NAME
FROM changed;
