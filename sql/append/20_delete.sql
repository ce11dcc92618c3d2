-- Make way for what changes and for what loses its texts, which go, not only out of sight.
DELETE FROM record
WHERE rowid IN (
    SELECT place FROM seen WHERE changed
    UNION ALL
    SELECT place FROM orphaned
)
