-- What accounts that are gone at the window's end gave on the days that summaries serve, $first to
-- $last, where that is summed up. Grain: rows add up, by day, giver and receiver. Needs the temp
-- table `inactive`.
CREATE OR REPLACE TEMP TABLE gone_day AS
FROM given_day
WHERE account IN (SELECT account FROM inactive) AND day BETWEEN $first AND $last
