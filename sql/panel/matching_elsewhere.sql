-- Matches that other buckets have, beside those of this one.
-- Needs: match_elsewhere, matching_post
-- Makes: nothing

INSERT INTO matching_post
FROM match_elsewhere
