-- After which time the store knows of posts what it did not keep at first, such as what they quote: where it
-- is of an earlier schema. One row; NULL if it always did.
SELECT max("after") AS "after"
FROM kept_from
WHERE name = 'posts'
