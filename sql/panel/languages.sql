-- In which languages accounts post in a window: how many of their posts and replies state each set of them.
-- In: $start, $end.
-- Needs: record
-- Makes: stated, stated_name

-- Grain: one account and what it states.
CREATE OR REPLACE TEMP TABLE stated AS
SELECT account, langs AS said, count(*)::UINTEGER AS posts
FROM record
WHERE collection = 'post' AND NOT removed AND langs IS NOT NULL
    AND event_time >= $start AND event_time < $end
GROUP BY account, langs;

-- Numbers in place of texts, which accounts have in common. Grain: one text.
CREATE OR REPLACE TEMP TABLE stated_name AS
SELECT said, (row_number() OVER (ORDER BY said) - 1)::UINTEGER AS code
FROM (SELECT DISTINCT said FROM stated)
