-- What accounts did, and received of those of this bucket, in a stretch of time. Grain: one account and UTC day. Needs
-- the macro `activity`.
FROM activity($start::TIMESTAMP, $end::TIMESTAMP)
