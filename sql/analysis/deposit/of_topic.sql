-- What counts on a topic, of whomever. Grain: one record.
-- Needs: candidate, matching_post
-- Makes: deposited

CREATE OR REPLACE TEMP TABLE deposited AS
SELECT collection, candidate.account, candidate.rkey
FROM candidate
LEFT JOIN matching_post AS target ON target.account = subject AND target.rkey = subject_rkey
LEFT JOIN matching_post AS thread ON thread.account = root AND thread.rkey = root_rkey
LEFT JOIN matching_post AS quote ON quote.account = quoted AND quote.rkey = quoted_rkey
WHERE own OR target.rkey IS NOT NULL OR thread.rkey IS NOT NULL OR quote.rkey IS NOT NULL;
