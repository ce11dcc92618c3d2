-- What accounts label themselves in their profiles: '' where a profile has no label. Not known is what a
-- profile of before labels were kept has. Grain: one account whose labels are known. In: $since, the revision
-- from which on they are.
SELECT account, coalesce(labels, '') AS labels
FROM profile
WHERE labels IS NOT NULL OR rev > $since
