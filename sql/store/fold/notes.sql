-- Note how far sources were read, in the same transaction as their rows. What the tables that it
-- needs say of a source is the whole of it, not an increment: what was there is replaced, so that
-- reading a source again counts nothing twice.
-- Needs: noted_source, noted_span, noted_rejected, noted_sample, source, span, rejected, rejected_sample
-- Makes: nothing

-- Grain: one source.
INSERT OR REPLACE INTO source BY NAME
FROM noted_source;

DELETE FROM span
WHERE source IN (SELECT name FROM noted_source);

-- Grain: one uninterrupted stretch of one source, in the order in which it was read.
INSERT INTO span BY NAME
SELECT * EXCLUDE (number)
FROM noted_span
ORDER BY number;

DELETE FROM rejected
WHERE source IN (SELECT name FROM noted_source);

-- Grain: one source and reason.
INSERT INTO rejected BY NAME
FROM noted_rejected;

DELETE FROM rejected_sample
WHERE source IN (SELECT name FROM noted_source);

-- Grain: one rejected line; the first few of each reason.
INSERT INTO rejected_sample BY NAME
FROM noted_sample;
