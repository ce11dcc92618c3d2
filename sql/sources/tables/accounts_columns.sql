-- The columns that an importer may give of accounts, all as text. Grain: none.
SELECT
    NULL::VARCHAR AS actor,
    NULL::VARCHAR AS handle,
    NULL::VARCHAR AS created,
    NULL::VARCHAR AS followers,
    NULL::VARCHAR AS followers_at
LIMIT 0
