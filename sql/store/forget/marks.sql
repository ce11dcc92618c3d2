-- Which of the DIDs in `candidate` are forgotten, and the mark that stands for each. Needs the macro
-- keyed_hash. Grain: one DID.
SELECT did, 'forgotten:' || keyed_hash(did) AS mark
FROM candidate
WHERE keyed_hash(did) IN (SELECT hash FROM forgotten)
