-- What counts on a topic and is by or to a named account. Grain: one record.
-- Needs: candidate, matching_post, named
-- Makes: counted_record

CREATE OR REPLACE TEMP TABLE counted_record AS
SELECT
    collection, event_time, candidate.account, candidate.rkey, subject, subject_rkey, quoted, quoted_rkey
FROM candidate
LEFT JOIN matching_post AS target ON target.account = subject AND target.rkey = subject_rkey
LEFT JOIN matching_post AS thread ON thread.account = root AND thread.rkey = root_rkey
LEFT JOIN matching_post AS quote ON quote.account = quoted AND quote.rkey = quoted_rkey
WHERE (own OR target.rkey IS NOT NULL OR thread.rkey IS NOT NULL OR quote.rkey IS NOT NULL)
    AND (
        candidate.account IN (FROM named SELECT account)
        OR subject IN (FROM named SELECT account)
        OR quoted IN (FROM named SELECT account)
    )
