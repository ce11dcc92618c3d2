-- A TID, 13 letters in an alphabet that sorts, as the number it is.
CREATE OR REPLACE TEMP MACRO tid_number(tid) AS list_reduce(
    list_transform(
        string_split(tid, ''),
        lambda letter: (strpos('234567abcdefghijklmnopqrstuvwxyz', letter) - 1)::UBIGINT
    ),
    lambda number, digit: number * 32 + digit
)
