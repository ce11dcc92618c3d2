-- Which set of languages, by its number, each post of a window states. Grain: one post or reply, in no order. In: $start,
-- $end. Needs the temp table `stated_name`.
SELECT account, code
FROM record
JOIN stated_name ON said = langs
WHERE collection = 'post' AND NOT removed AND langs IS NOT NULL
    AND event_time >= $start AND event_time < $end
