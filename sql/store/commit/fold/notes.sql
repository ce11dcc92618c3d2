-- Note how far sources were read, in the same transaction as their rows. What the tables that it
-- needs say of a source replaces what was there, so that reading a source again counts nothing
-- twice. Of its spans, of which a stream has ever more, the first ones stay: `earlier_spans` many.
-- Needs: noted_source, noted_span, noted_rejected, noted_sample, source, span, rejected, rejected_sample
-- Makes: nothing

-- Grain: one source.
INSERT OR REPLACE INTO source BY NAME
SELECT * EXCLUDE (earlier_spans)
FROM noted_source;

DELETE FROM span
WHERE rowid IN (
    SELECT place
    FROM (
        SELECT
            span.rowid AS place,
            earlier_spans,
            row_number() OVER (PARTITION BY source ORDER BY span.rowid) AS number
        FROM span
        JOIN noted_source ON noted_source.name = span.source
    )
    WHERE number > earlier_spans
);

-- Grain: one uninterrupted stretch of one source. By row number, its spans stand in the order in
-- which it was read.
INSERT INTO span BY NAME
SELECT * EXCLUDE (number)
FROM noted_span
ORDER BY number;

-- A file that grew or was touched is read anew, beside what it covered before: what lies within another
-- span of it says nothing more.
DELETE FROM span
WHERE rowid IN (
    SELECT small.rowid
    FROM span AS small
    JOIN span AS large USING (source)
    JOIN noted_source ON noted_source.name = source
    WHERE noted_source.kind IN ('file', 'stdin', 'import')
        AND small.gap = '' AND large.gap = ''
        AND small.first_event >= large.first_event AND small.last_event <= large.last_event
        AND (
            small.first_event > large.first_event OR small.last_event < large.last_event
            OR small.rowid < large.rowid
        )
);

DELETE FROM rejected
WHERE source IN (SELECT name FROM noted_source);

-- Grain: one source and reason.
INSERT INTO rejected BY NAME
FROM noted_rejected;

DELETE FROM rejected_sample
WHERE source IN (SELECT name FROM noted_source);

-- Grain: one rejected line; the first few of each reason. A sample is a shape and has no words.
INSERT INTO rejected_sample BY NAME
FROM noted_sample;
