-- Whose gifts are counted by themselves: those who are watched.
CREATE OR REPLACE TEMP TABLE giver AS
FROM watched
