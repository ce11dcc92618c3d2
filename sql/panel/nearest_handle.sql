-- The known handle that is most like a name: by fewest letters to change, of those that begin alike. Grain: one row, or none where no handle is like it. In:
-- $name, in lower case. Needs the temp table `directory_entry`.
WITH
    known AS (
        SELECT handle FROM handle
        UNION
        SELECT handle FROM directory_entry WHERE handle IS NOT NULL
    ),
    likened AS (
        SELECT handle, jaro_winkler_similarity(lower(handle), $name) AS likeness
        FROM known
    )
SELECT handle
FROM likened
WHERE likeness >= 0.85
ORDER BY damerau_levenshtein(lower(handle), $name), likeness DESC, handle
LIMIT 1
