-- Words of Jetstream until October 2024, which had shorter ones under another key, `type`.
-- Needs: nothing
-- Makes: old_kind, old_operation

CREATE OR REPLACE TEMP MACRO old_kind(word) AS
    MAP {'com': 'commit', 'id': 'identity', 'acc': 'account'}[word];

CREATE OR REPLACE TEMP MACRO old_operation(word) AS
    MAP {'c': 'create', 'u': 'update', 'd': 'delete'}[word];
