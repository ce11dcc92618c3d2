-- What the store has of the accounts in the temp table `forgetting`. One row.
SELECT
    (SELECT count(*) FROM forgetting WHERE account IS NOT NULL OR did IN (SELECT did FROM plc))
        AS accounts,
    (SELECT count(*) FROM record SEMI JOIN forgetting USING (account)) AS records,
    (SELECT count(text) FROM record SEMI JOIN forgetting USING (account)) AS texts,
    (SELECT count(*) FROM handle SEMI JOIN forgetting USING (account)) AS handles,
    (SELECT count(*) FROM profile SEMI JOIN forgetting USING (account)) AS profiles,
    (SELECT count(*) FROM account_status SEMI JOIN forgetting USING (account)) AS status_changes,
    (SELECT count(*) FROM plc SEMI JOIN forgetting USING (did)) AS directory,
    (SELECT count(*) FROM hydration SEMI JOIN forgetting USING (account)) AS hydrations,
    (
        SELECT count(*)
        FROM record
        WHERE NOT removed
            AND account NOT IN (SELECT account FROM forgetting WHERE account IS NOT NULL)
            AND (
                subject IN (SELECT account FROM forgetting WHERE account IS NOT NULL)
                OR quoted IN (SELECT account FROM forgetting WHERE account IS NOT NULL)
            )
    ) AS kept_of_others
