-- Days whose records are summarised. In: `given`. Grain: one UTC day.
-- Needs: given, stored_day
-- Makes: nothing
INSERT INTO stored_day BY NAME
SELECT day, first_event, last_event, true AS summarised, events AS records, 0 AS corrected
FROM given
