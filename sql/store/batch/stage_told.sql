-- Events of accounts that a kernel parsed, or that never were lines, appended to what waits to be
-- committed. In: `told`, an Arrow table of some of the columns of `staged`. Grain: one accepted event.
INSERT INTO staged BY NAME
FROM told
