-- Make way for handles that are later.
DELETE FROM handle
WHERE rowid IN (SELECT place FROM latest_handle)
