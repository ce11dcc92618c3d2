-- What watched accounts gave on one day.
INSERT INTO given_day
FROM given($day::TIMESTAMP, $day::TIMESTAMP + INTERVAL 1 DAY)
