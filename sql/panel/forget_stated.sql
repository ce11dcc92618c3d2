-- Let go of what posts state, once it was read.
-- Needs: stated, stated_name
-- Makes: nothing
DROP TABLE stated;

DROP TABLE stated_name
