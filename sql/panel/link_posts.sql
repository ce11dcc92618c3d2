-- To which set of hosts, by its number, each post of a window has links. Grain: one post or reply, in no order. In: $start,
-- $end. Needs the temp table `stated_name`.
SELECT account, code
FROM record
JOIN stated_name ON said = array_to_string(domains, ' ')
WHERE collection = 'post' AND NOT removed AND domains IS NOT NULL
    AND event_time >= $start AND event_time < $end
