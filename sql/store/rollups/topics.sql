-- What is matched on summarised days. Grain: one topic, ascending.
SELECT id, rule
FROM topic
ORDER BY id
