-- What those who are not watched yet gave on served days.
INSERT INTO gone_day
SELECT gift.*
FROM given($start::TIMESTAMP, $end::TIMESTAMP) AS gift
SEMI JOIN served USING (day)
