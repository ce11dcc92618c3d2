-- What the records that a transaction deletes come to in the sums; empty, for steps to fill.
-- Needs: nothing
-- Makes: taken_off

CREATE OR REPLACE TEMP TABLE taken_off (day DATE, rows BIGINT, total HUGEINT)
