-- The store in a line. One row.
SELECT
    (SELECT count(*) FROM event) AS events,
    (SELECT count(*) FROM record WHERE removed) AS removed,
    (SELECT count(*) FROM account) AS accounts,
    (SELECT count(*) FROM handle) AS handles,
    (SELECT count(*) FROM profile) AS profiles,
    (SELECT count(*) FROM account_status) AS status_changes,
    (SELECT count(*) FROM plc) AS directory
