-- Time that a source covers without interruption. A file covers one span; a stream that missed
-- something begins another, and says why. What no span of any source covers is a gap.
CREATE TABLE span (
    source VARCHAR NOT NULL,
    first_event TIMESTAMP,         -- NULL while nothing was seen since the gap
    last_event TIMESTAMP,
    gap VARCHAR NOT NULL           -- why the time just before was not seen; '' where nothing is missing
);

INSERT INTO span
SELECT name, first_event, last_event, ''
FROM source
WHERE first_event IS NOT NULL AND kind <> 'plc';
