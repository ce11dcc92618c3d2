-- Write them down. Grain: one account.
INSERT INTO profile BY NAME
SELECT * EXCLUDE (place)
FROM latest_profile
