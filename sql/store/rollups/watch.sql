-- They are watched from now on.
INSERT INTO watched
FROM giver
