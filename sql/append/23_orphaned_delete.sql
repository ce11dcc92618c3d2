-- Their texts go, not only out of sight.
DELETE FROM record
WHERE rowid IN (SELECT place FROM orphaned)
