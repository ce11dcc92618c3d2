-- Whether a search for words gave records of a window, and whether anything else did. Grain: one row.
-- In: $start, $end. A search that was not answered everywhere may have records without a stretch that it covers;
-- tables of accounts and directories cover nothing.
WITH asked AS (
    SELECT
        kind IN ('import', 'collect') AND coalesce(drawn = 'keywords', false) AS by_search,
        EXISTS (SELECT 1 FROM span WHERE span.source = source.name) AS covers,
        EXISTS (
            SELECT 1
            FROM span
            WHERE span.source = source.name AND span.first_event < $end AND span.last_event >= $start
        ) AS covers_window
    FROM source
    WHERE kept > 0
)
SELECT
    coalesce(bool_or(by_search AND (covers_window OR NOT covers)), false) AS by_search,
    coalesce(bool_or(NOT by_search AND covers_window), false) AS otherwise
FROM asked
