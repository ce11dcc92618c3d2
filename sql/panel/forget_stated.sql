-- Let go of what posts state, once it was read.
-- Needs: stated_name
-- Makes: nothing
DROP TABLE stated_name
