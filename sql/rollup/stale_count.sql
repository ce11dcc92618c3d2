-- Days to be summarised anew. Grain: one day.
FROM stale
