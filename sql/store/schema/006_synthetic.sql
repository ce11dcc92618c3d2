-- Which sources are made up. Lines say so since this schema; a generator's own source always was.
ALTER TABLE source ADD COLUMN synthetic BOOLEAN DEFAULT false;

UPDATE source
SET synthetic = (kind = 'synth');
