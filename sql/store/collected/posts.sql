-- Collected posts that exist and happened from $start on, before $end, with what the network counts of each and
-- how far their interactions were asked for. Grain: one post and step; one without a step where none was begun.
SELECT
    account.did,
    network_count.rkey AS number,
    record_key.rkey,
    event_time,
    replies,
    reposts,
    quotes,
    step,
    cursor
FROM network_count
JOIN record USING (account, rkey)
JOIN account ON account.id = network_count.account
LEFT JOIN record_key ON record_key.id = network_count.rkey
LEFT JOIN closure ON closure.account = network_count.account AND closure.rkey = network_count.rkey
WHERE collection = 'post' AND NOT removed AND event_time >= $start AND event_time < $end
ORDER BY account.did, number, step
