-- Whether hashtags are among those wanted, or match a pattern, if there is one. Needs the macro `nfc`.
-- Via upper case, in which the two lower-case sigmas, for one, are the same.
CREATE OR REPLACE TEMP MACRO tagged(tags, wanted, pattern) AS
    list_has_any(
        list_transform(tags, lambda t: lower(upper(nfc(t)))),
        list_transform(wanted::VARCHAR[], lambda t: lower(upper(t)))
    )
    OR (pattern::VARCHAR IS NOT NULL AND len(list_filter(
        tags, lambda t: regexp_matches(nfc(t), pattern)
    )) > 0)
