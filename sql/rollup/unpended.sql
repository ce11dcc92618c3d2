-- What waited to be matched is not what it was.
DELETE FROM pending
USING touched
WHERE pending.account = touched.account
    AND pending.rkey = touched.rkey
    AND pending.collection = touched.collection
