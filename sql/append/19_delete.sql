-- Make way for them.
DELETE FROM record
WHERE rowid IN (SELECT place FROM seen WHERE changed)
