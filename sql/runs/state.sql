-- What analyses of the store depend on, reduced so that it differs where they can differ: sums of
-- hashes, since the order of rows says nothing. Whatever is read a second time changes none of it.
-- One row.
SELECT
    (SELECT count(*) FROM event) AS events,
    (SELECT max(event_time) FROM event) AS last_event,
    (SELECT sum(hash(collection, account, rev, removed, event_time, time_from)::HUGEINT) FROM record)::VARCHAR
        AS records,
    (SELECT sum(hash(account_status)::HUGEINT) FROM account_status)::VARCHAR AS status_changes,
    (SELECT sum(hash(handle)::HUGEINT) FROM handle)::VARCHAR AS handles,
    (SELECT sum(hash(profile)::HUGEINT) FROM profile)::VARCHAR AS profiles,
    (SELECT sum(hash(plc)::HUGEINT) FROM plc)::VARCHAR AS directory,
    (SELECT sum(hash(hydration)::HUGEINT) FROM hydration)::VARCHAR AS hydration,
    (
        SELECT sum(hash(first_event, last_event, gap)::HUGEINT)
        FROM (SELECT DISTINCT first_event, last_event, gap FROM span)
    )::VARCHAR AS coverage
