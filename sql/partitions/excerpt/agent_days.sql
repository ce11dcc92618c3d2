-- What accounts did, and received of those of this bucket, in a stretch of time. Grain: one account and UTC day.
-- Needs the macro `activity`.
SELECT did, activity.* EXCLUDE (account)
FROM activity($start::TIMESTAMP, $end::TIMESTAMP) AS activity
JOIN account ON account.id = activity.account
