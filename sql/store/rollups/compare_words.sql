-- Define how texts and hashtags are compared.
-- Needs: nothing
-- Makes: unstable, nfc, tagged

-- What matches a text that is perhaps not in NFC: one that changes has a mark, or a letter of one of these
-- blocks.
CREATE OR REPLACE TEMP MACRO unstable() AS
    '[\pM\x{0340}-\x{0344}\x{0370}-\x{03FF}\x{0900}-\x{11FF}\x{1B00}-\x{1B7F}\x{1F00}-\x{2001}\x{2126}-\x{212B}\x{2329}\x{232A}\x{2ADC}\x{F900}-\x{FAFF}\x{FB1D}-\x{FB4F}\x{10000}-\x{1EFFF}\x{20000}-\x{10FFFF}]';

-- A text in NFC. Most need no change, and to see that takes a fifth of the time of making sure.
CREATE OR REPLACE TEMP MACRO nfc(t) AS CASE
    WHEN regexp_matches(t, unstable())
    THEN nfc_normalize(t)
    ELSE t
END;

-- Whether hashtags are among those wanted, or match a pattern, if there is one. They are short: to look
-- whether one is in NFC would take longer than to make sure. Via upper case, in which the two lower-case
-- sigmas, for one, are the same.
CREATE OR REPLACE TEMP MACRO tagged(tags, wanted, pattern) AS
    list_has_any(
        list_transform(tags, lambda t: lower(upper(nfc_normalize(t)))),
        list_transform(wanted::VARCHAR[], lambda t: lower(upper(t)))
    )
    OR (pattern::VARCHAR IS NOT NULL AND len(list_filter(
        tags, lambda t: regexp_matches(nfc_normalize(t), pattern)
    )) > 0);
