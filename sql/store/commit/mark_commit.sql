-- Leave a mark of a commit, before it.
-- Needs: last_commit
-- Makes: nothing

UPDATE last_commit
SET mark = $mark
