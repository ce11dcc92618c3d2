-- What accounts that are gone at the window's end gave on served days, where that is summed up.
-- Grain: rows add up, by day, giver and receiver. Needs the temp tables `inactive` and `served`.
CREATE OR REPLACE TEMP TABLE gone_day AS
FROM given_day
WHERE account IN (SELECT account FROM inactive) AND day IN (SELECT day FROM served)
