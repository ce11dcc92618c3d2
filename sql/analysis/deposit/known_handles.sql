-- Which of some words are handles that accounts of the store have or had. Grain: one handle. In: $words, in lower
-- case.
SELECT lower(handle) AS handle
FROM handle
WHERE list_contains($words, lower(handle))
UNION
SELECT lower(handle)
FROM plc
WHERE list_contains($words, lower(handle))
UNION
SELECT lower(handle)
FROM plc_handle
WHERE list_contains($words, lower(handle))
ORDER BY handle
