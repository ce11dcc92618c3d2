-- Account events that were parsed, or that never were lines, appended to the rows that wait for a
-- commit. In: `account_events`, an Arrow table with some of the columns of `staged`. Grain: one
-- accepted event.
INSERT INTO staged BY NAME
FROM account_events
