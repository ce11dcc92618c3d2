-- The pattern that matches a text which is perhaps not in NFC. One row.
SELECT unstable() AS pattern
