-- Between which times the days are that are not summarised. One row; NULL where all are.
SELECT min(first_event) AS first_event, max(last_event) AS last_event
FROM stored_day
WHERE NOT summarised
