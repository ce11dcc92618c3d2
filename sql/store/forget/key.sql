-- Keep the key of the hashes, if there is none yet.
-- Needs: forgotten_key
-- Makes: nothing

INSERT INTO forgotten_key
SELECT $inner_pad, $outer_pad
WHERE NOT EXISTS (FROM forgotten_key);
