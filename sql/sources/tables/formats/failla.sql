-- Bluesky Social Dataset of Failla and Rossetti (Zenodo 14669616): 235 million posts of 4 million users.
-- drawn: users
-- table: posts
-- files: *posts*
-- columns: post_id, user_id, date, text?, langs?, reply_to?, replied_author?, thread_root?, thread_root_author?
-- columns: repost_from?, reposted_author?, quotes?, quoted_author?, labels?
-- example: {"post_id": 2, "user_id": 11, "date": 202304010905, "text": "oui", "langs": ["fra"], "reply_to": 1,
-- example: "replied_author": 10}
-- example: {"post_id": 1, "user_id": 12, "date": 202304010900, "text": "pears", "langs": ["eng"], "repost_from": 1,
-- example: "reposted_author": 10}
-- note: Times of the data set are to the minute, and of a repost it is that of the original post.
-- Identifiers are integers, which JSON may write with a point. Languages have three letters (ISO 639-3); stores
-- have the two of ISO 639-1, where there are two. A repost is one by its account and what it reposts.
WITH plain AS (
    SELECT
        * REPLACE (
            before_point(post_id) AS post_id,
            before_point(user_id) AS user_id,
            nullif(before_point(reply_to), '') AS reply_to,
            nullif(before_point(replied_author), '') AS replied_author,
            nullif(before_point(thread_root), '') AS thread_root,
            nullif(before_point(thread_root_author), '') AS thread_root_author,
            nullif(before_point(repost_from), '') AS repost_from,
            nullif(before_point(reposted_author), '') AS reposted_author,
            nullif(before_point(quotes), '') AS quotes,
            nullif(before_point(quoted_author), '') AS quoted_author
        ),
        repost_from IS NOT NULL OR reposted_author IS NOT NULL AS is_repost
    FROM input
)
SELECT
    user_id AS actor,
    CASE WHEN is_repost THEN 'repost' ELSE 'post' END AS kind,
    CASE WHEN NOT is_repost THEN post_id
        WHEN repost_from IS NOT NULL THEN 'repost:' || repost_from
        ELSE 'repost-by:' || post_id
    END AS record,
    date AS time,
    'claimed' AS time_from,
    CASE WHEN NOT is_repost THEN reply_to END AS parent,
    CASE WHEN NOT is_repost THEN replied_author END AS parent_actor,
    CASE WHEN NOT is_repost THEN thread_root END AS root,
    CASE WHEN NOT is_repost THEN thread_root_author END AS root_actor,
    CASE WHEN is_repost THEN repost_from END AS subject,
    CASE WHEN is_repost THEN reposted_author END AS subject_actor,
    CASE WHEN NOT is_repost THEN quotes END AS quoted,
    CASE WHEN NOT is_repost THEN quoted_author END AS quoted_actor,
    CASE WHEN NOT is_repost THEN text END AS text,
    CASE WHEN NOT is_repost THEN array_to_string(list_transform(
        regexp_extract_all(langs, '[A-Za-z][A-Za-z-]+'),
        lambda tag: coalesce(MAP {
        'aar': 'aa', 'abk': 'ab', 'afr': 'af', 'aka': 'ak', 'amh': 'am', 'ara': 'ar', 'arg': 'an',
        'asm': 'as', 'ava': 'av', 'ave': 'ae', 'aym': 'ay', 'aze': 'az', 'bak': 'ba', 'bam': 'bm',
        'bel': 'be', 'ben': 'bn', 'bis': 'bi', 'bod': 'bo', 'bos': 'bs', 'bre': 'br', 'bul': 'bg',
        'cat': 'ca', 'ces': 'cs', 'cha': 'ch', 'che': 'ce', 'chu': 'cu', 'chv': 'cv', 'cor': 'kw',
        'cos': 'co', 'cre': 'cr', 'cym': 'cy', 'dan': 'da', 'deu': 'de', 'div': 'dv', 'dzo': 'dz',
        'ell': 'el', 'eng': 'en', 'epo': 'eo', 'est': 'et', 'eus': 'eu', 'ewe': 'ee', 'fao': 'fo',
        'fas': 'fa', 'fij': 'fj', 'fin': 'fi', 'fra': 'fr', 'fry': 'fy', 'ful': 'ff', 'gla': 'gd',
        'gle': 'ga', 'glg': 'gl', 'glv': 'gv', 'grn': 'gn', 'guj': 'gu', 'hat': 'ht', 'hau': 'ha',
        'hbs': 'sh', 'heb': 'he', 'her': 'hz', 'hin': 'hi', 'hmo': 'ho', 'hrv': 'hr', 'hun': 'hu',
        'hye': 'hy', 'ibo': 'ig', 'ido': 'io', 'iii': 'ii', 'iku': 'iu', 'ile': 'ie', 'ina': 'ia',
        'ind': 'id', 'ipk': 'ik', 'isl': 'is', 'ita': 'it', 'jav': 'jv', 'jpn': 'ja', 'kal': 'kl',
        'kan': 'kn', 'kas': 'ks', 'kat': 'ka', 'kau': 'kr', 'kaz': 'kk', 'khm': 'km', 'kik': 'ki',
        'kin': 'rw', 'kir': 'ky', 'kom': 'kv', 'kon': 'kg', 'kor': 'ko', 'kua': 'kj', 'kur': 'ku',
        'lao': 'lo', 'lat': 'la', 'lav': 'lv', 'lim': 'li', 'lin': 'ln', 'lit': 'lt', 'ltz': 'lb',
        'lub': 'lu', 'lug': 'lg', 'mah': 'mh', 'mal': 'ml', 'mar': 'mr', 'mkd': 'mk', 'mlg': 'mg',
        'mlt': 'mt', 'mon': 'mn', 'mri': 'mi', 'msa': 'ms', 'mya': 'my', 'nau': 'na', 'nav': 'nv',
        'nbl': 'nr', 'nde': 'nd', 'ndo': 'ng', 'nep': 'ne', 'nld': 'nl', 'nno': 'nn', 'nob': 'nb',
        'nor': 'no', 'nya': 'ny', 'oci': 'oc', 'oji': 'oj', 'ori': 'or', 'orm': 'om', 'oss': 'os',
        'pan': 'pa', 'pli': 'pi', 'pol': 'pl', 'por': 'pt', 'pus': 'ps', 'que': 'qu', 'roh': 'rm',
        'ron': 'ro', 'run': 'rn', 'rus': 'ru', 'sag': 'sg', 'san': 'sa', 'sin': 'si', 'slk': 'sk',
        'slv': 'sl', 'sme': 'se', 'smo': 'sm', 'sna': 'sn', 'snd': 'sd', 'som': 'so', 'sot': 'st',
        'spa': 'es', 'sqi': 'sq', 'srd': 'sc', 'srp': 'sr', 'ssw': 'ss', 'sun': 'su', 'swa': 'sw',
        'swe': 'sv', 'tah': 'ty', 'tam': 'ta', 'tat': 'tt', 'tel': 'te', 'tgk': 'tg', 'tgl': 'tl',
        'tha': 'th', 'tir': 'ti', 'ton': 'to', 'tsn': 'tn', 'tso': 'ts', 'tuk': 'tk', 'tur': 'tr',
        'twi': 'tw', 'uig': 'ug', 'ukr': 'uk', 'urd': 'ur', 'uzb': 'uz', 'ven': 've', 'vie': 'vi',
        'vol': 'vo', 'wln': 'wa', 'wol': 'wo', 'xho': 'xh', 'yid': 'yi', 'yor': 'yo', 'zha': 'za',
        'zho': 'zh', 'zul': 'zu'
        }[lower(tag)], tag)
    ), ' ') END AS langs,
    CASE WHEN NOT is_repost THEN labels END AS labels
FROM plain;

-- table: interactions
-- files: *interaction*
-- columns: user_id, replied_author, thread_root_author, reposted_author, quoted_author, date
-- header: none
-- unless: posts
-- example: 11,10,10,,,202304010905
-- example: 12,,,10,,202304010900
-- note: Interactions have no posts: no topic matches, and questions are about all records.
-- Who answers, reposts or quotes whom, and when. They are the acts that the posts have as well.
WITH plain AS (
    SELECT
        before_point(user_id) AS user_id,
        nullif(before_point(replied_author), '') AS replied_author,
        nullif(before_point(thread_root_author), '') AS thread_root_author,
        nullif(before_point(reposted_author), '') AS reposted_author,
        nullif(before_point(quoted_author), '') AS quoted_author,
        date
    FROM input
)
SELECT
    user_id AS actor,
    CASE WHEN reposted_author IS NOT NULL THEN 'repost' ELSE 'post' END AS kind,
    date AS time,
    'claimed' AS time_from,
    CASE WHEN reposted_author IS NULL THEN replied_author END AS parent_actor,
    CASE WHEN reposted_author IS NULL AND replied_author IS NOT NULL THEN thread_root_author END AS root_actor,
    reposted_author AS subject_actor,
    CASE WHEN reposted_author IS NULL THEN quoted_author END AS quoted_actor
FROM plain;

-- table: followers
-- files: *follower*
-- columns: follower, followed
-- header: none
-- gives: accounts
-- as of: 2024-03-18
-- example: 11,10
-- note: Follows have no time: they are follower counts of 18 March 2024, for --popularity followers.
-- Who follows whom. Who follows others, and is followed by nobody, has no follower in the data set.
SELECT
    account AS actor,
    count(DISTINCT fan) AS followers
FROM (
    SELECT unnest([followed, follower]) AS account, unnest([follower, NULL]) AS fan
    FROM input
)
GROUP BY account
