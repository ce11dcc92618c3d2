-- What a stream sent that lay ahead of the clock is rejected. While it is undecided whether its time or the
-- clock is wrong, it may have to be asked for again.

-- The position after which such events came, and the earliest and the latest of their times; NULL while
-- there are none.
ALTER TABLE source ADD COLUMN doubt_after BIGINT;

ALTER TABLE source ADD COLUMN doubt_from TIMESTAMP;

ALTER TABLE source ADD COLUMN doubt_until TIMESTAMP;

-- How many they are, less the events since that were not ahead of the clock.
ALTER TABLE source ADD COLUMN doubted BIGINT DEFAULT 0;
