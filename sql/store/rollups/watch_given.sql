-- What accounts that were not watched until now gave on summarised days.
INSERT INTO given_day
SELECT gift.*
FROM given('-infinity'::TIMESTAMP, 'infinity'::TIMESTAMP) AS gift
JOIN stored_day USING (day)
WHERE summarised
