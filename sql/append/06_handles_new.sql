-- Write them down. Grain: one account.
INSERT INTO handle BY NAME
SELECT * EXCLUDE (place)
FROM latest_handle
