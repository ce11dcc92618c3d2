-- Make way for them.
DELETE FROM profile
WHERE rowid IN (SELECT place FROM latest_profile)
