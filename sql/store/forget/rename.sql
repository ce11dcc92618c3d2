-- Give sources other names. In: `renamed`, with `name` and `new` in each row.
-- Needs: renamed, source, span, rejected, rejected_sample
-- Makes: named_source, named_rejected

-- Row by row they go and come, because an update of a key can fail. Grain: one source.
CREATE OR REPLACE TEMP TABLE named_source AS
SELECT source.* REPLACE (new AS name)
FROM source
JOIN renamed USING (name);

DELETE FROM source
WHERE name IN (SELECT name FROM renamed);

INSERT OR REPLACE INTO source BY NAME
FROM named_source;

UPDATE span
SET source = new
FROM renamed
WHERE span.source = renamed.name;

-- Grain: one source and reason.
CREATE OR REPLACE TEMP TABLE named_rejected AS
SELECT rejected.* REPLACE (new AS source)
FROM rejected
JOIN renamed ON renamed.name = rejected.source;

DELETE FROM rejected
WHERE source IN (SELECT name FROM renamed);

INSERT OR REPLACE INTO rejected BY NAME
FROM named_rejected;

UPDATE rejected_sample
SET source = new
FROM renamed
WHERE rejected_sample.source = renamed.name;
