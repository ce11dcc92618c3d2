-- They are as days that never were summarised.
UPDATE stored_day
SET summarised = false, records = 0, corrected = 0
WHERE day IN (SELECT day FROM stale)
