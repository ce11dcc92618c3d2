-- What accounts link to in a window: how many of their posts and replies have links to each set of hosts.
-- In: $start, $end.
-- Needs: record
-- Makes: stated, stated_name

-- Grain: one account and what it states.
CREATE OR REPLACE TEMP TABLE stated AS
SELECT account, array_to_string(domains, ' ') AS said, count(*)::UINTEGER AS posts
FROM record
WHERE collection = 'post' AND NOT removed AND domains IS NOT NULL
    AND event_time >= $start AND event_time < $end
GROUP BY account, said;

-- Numbers in place of texts, which accounts have in common. Grain: one text.
CREATE OR REPLACE TEMP TABLE stated_name AS
SELECT said, (row_number() OVER (ORDER BY said) - 1)::UINTEGER AS code
FROM (SELECT DISTINCT said FROM stated)
