-- Which sets of languages posts and replies of a window state.
-- In: $start, $end.
-- Needs: record
-- Makes: stated_name

-- Each of the sets with a number, by which it is counted. Grain: one text.
CREATE OR REPLACE TEMP TABLE stated_name AS
SELECT said, (row_number() OVER (ORDER BY said) - 1)::UINTEGER AS code
FROM (
    SELECT DISTINCT langs AS said
    FROM record
    WHERE collection = 'post' AND NOT removed AND langs IS NOT NULL
        AND event_time >= $start AND event_time < $end
)
