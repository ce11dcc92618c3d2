-- A text in NFC. Most need no change, and to see that takes a fifth of the time of making sure: what
-- changes has a mark, or a letter of one of these blocks.
CREATE OR REPLACE TEMP MACRO nfc(t) AS CASE
    WHEN regexp_matches(t, '[\pM\x{0340}-\x{0344}\x{0370}-\x{03FF}\x{0900}-\x{11FF}\x{1B00}-\x{1B7F}\x{1F00}-\x{2001}\x{2126}-\x{212B}\x{2329}\x{232A}\x{2ADC}\x{F900}-\x{FAFF}\x{FB1D}-\x{FB4F}\x{10000}-\x{1EFFF}\x{20000}-\x{10FFFF}]')
    THEN nfc_normalize(t)
    ELSE t
END
