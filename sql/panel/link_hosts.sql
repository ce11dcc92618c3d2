-- What accounts link to in a window: how many of their posts and replies have links to each set of hosts.
-- In: $start, $end.
-- Needs: record
-- Makes: stated_name, stated

-- Each of the sets with a number, by which it is counted. Grain: one text.
CREATE OR REPLACE TEMP TABLE stated_name AS
SELECT said, (row_number() OVER (ORDER BY said) - 1)::UINTEGER AS code
FROM (
    SELECT DISTINCT array_to_string(domains, ' ') AS said
    FROM record
    WHERE collection = 'post' AND NOT removed AND domains IS NOT NULL
        AND event_time >= $start AND event_time < $end
);

-- Grain: one account and text.
CREATE OR REPLACE TEMP TABLE stated AS
SELECT account, code, count(*)::UINTEGER AS posts
FROM record
JOIN stated_name ON said = array_to_string(domains, ' ')
WHERE collection = 'post' AND NOT removed AND domains IS NOT NULL
    AND event_time >= $start AND event_time < $end
GROUP BY account, code
