-- Posts on which others may hang: matches of the one topic that other buckets have.
-- Needs: match_elsewhere, hook
-- Makes: nothing

INSERT INTO hook
SELECT unnest($topics::USMALLINT[]), account, rkey
FROM match_elsewhere
