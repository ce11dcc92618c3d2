-- A store with schema 1, as blueattr 0.1.0 at 996cd46 wrote it from before.jsonl and plc.jsonl, which are
-- synthetic.

CREATE TYPE collection AS ENUM ('post', 'repost', 'follow');

CREATE TABLE account(id UINTEGER NOT NULL, did VARCHAR NOT NULL);

CREATE TABLE account_status(account UINTEGER NOT NULL, event_time TIMESTAMP NOT NULL, active BOOLEAN NOT NULL, status VARCHAR NOT NULL);

CREATE TABLE handle(account UINTEGER NOT NULL, event_time TIMESTAMP NOT NULL, handle VARCHAR NOT NULL);

CREATE TABLE migration("version" INTEGER PRIMARY KEY, "name" VARCHAR, applied_at TIMESTAMP);

CREATE TABLE plc(did VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL, handle VARCHAR, handle_time TIMESTAMP);

CREATE TABLE profile(account UINTEGER NOT NULL, rev VARCHAR NOT NULL, created_at TIMESTAMP, bot BOOLEAN NOT NULL);

CREATE TABLE record(collection collection NOT NULL, account UINTEGER NOT NULL, rkey VARCHAR NOT NULL, rev VARCHAR NOT NULL, removed BOOLEAN NOT NULL, event_time TIMESTAMP, subject UINTEGER, subject_rkey VARCHAR, root UINTEGER, root_rkey VARCHAR, "text" VARCHAR, tags VARCHAR[], title VARCHAR);

CREATE TABLE rejected("source" VARCHAR, reason VARCHAR, lines BIGINT NOT NULL, PRIMARY KEY("source", reason));

CREATE TABLE rejected_sample("source" VARCHAR NOT NULL, reason VARCHAR NOT NULL, "position" BIGINT NOT NULL, "sample" VARCHAR NOT NULL);

CREATE TABLE "source"("name" VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, "position" BIGINT NOT NULL, complete BOOLEAN NOT NULL, lines BIGINT NOT NULL, kept BIGINT NOT NULL, skipped BIGINT NOT NULL, first_event TIMESTAMP, last_event TIMESTAMP);

CREATE VIEW "event" AS SELECT CASE  WHEN (((collection = 'post') AND (subject IS NULL))) THEN ('post') WHEN ((collection = 'post')) THEN ('reply') WHEN ((collection = 'repost')) THEN ('repost') ELSE 'follow' END AS kind, * EXCLUDE (collection, removed, rev) FROM record WHERE (NOT removed);

INSERT INTO account VALUES
(1, 'did:plc:2gdhfrxfhjae652exbnan7gm'),
(2, 'did:plc:2rti5fgxttc34dxxhyos5jjw'),
(3, 'did:plc:2yomn5pn4jierrsyfcsyuixt'),
(4, 'did:plc:3spep7h4cyckhzztzj4oqy6m'),
(5, 'did:plc:4bu6nwyqohbvsqr72tpk2n7y'),
(6, 'did:plc:4ua3m3uqpgn7ur5b3youvkbp'),
(7, 'did:plc:5lulj65ecwvzxgvgp2oijxit'),
(8, 'did:plc:66nixna6hm6rc4iuqlsmrvpi'),
(9, 'did:plc:7rzd75a5ao253qhv6ogprkyh'),
(10, 'did:plc:ann'),
(11, 'did:plc:avvjy7z7zxsnxgelok5iqrs6'),
(12, 'did:plc:bea'),
(13, 'did:plc:bmeusvbdjk4qbkej5yq7zpdb'),
(14, 'did:plc:cdx35gp33q5kjbzgkukcvm4c'),
(15, 'did:plc:clokfwjyeenkrfzszrzjr3yp'),
(16, 'did:plc:cyd'),
(17, 'did:plc:dan'),
(18, 'did:plc:dio465u4tea64lsrwfqicp3u'),
(19, 'did:plc:dr2y4ynpxwkfx7znmsr3ceuu'),
(20, 'did:plc:erkbm5ixfd7pkw3sf4qqj6s5'),
(21, 'did:plc:hmv6lr3wgyccicfgjfsih35q'),
(22, 'did:plc:i4xsfdtyn55fwmagxmc2puyj'),
(23, 'did:plc:iwaqgf4o6b2khpfo4zciqhc2'),
(24, 'did:plc:j734z76jxf3m2z2vnkxtchtx'),
(25, 'did:plc:jzeaulgbfzj7dztzkmtk7g2i'),
(26, 'did:plc:k3a7fm2qdfaqcl22hw65kz4i'),
(27, 'did:plc:lg62uiwmogirwf2lthlmgvfu'),
(28, 'did:plc:n5swbwpksvvjpotjbawqyeiq'),
(29, 'did:plc:ppnnegxuzq3xav6kw6ekj5k2'),
(30, 'did:plc:q7s35o6hnaxrattpkcrulpn3'),
(31, 'did:plc:qsvr4ec65boysbpbza6iq5sf'),
(32, 'did:plc:ruix6u4bhkzhsdykrqfvx3hf'),
(33, 'did:plc:sbtbyetbu5rbxyuedst6twar'),
(34, 'did:plc:swswsl6krxdoljedkaydwclh'),
(35, 'did:plc:tq74tac53s2n6euy5wbaheno'),
(36, 'did:plc:uodj7kkxk4wj44hmtrkoe2z2'),
(37, 'did:plc:wd6wnzkxbympiqacyltmmptl'),
(38, 'did:plc:wpwu7aowrhjc62hnzx4i6pkh'),
(39, 'did:plc:xdclgsvsv6vd2mxanu63uvoy'),
(40, 'did:plc:xufm7xnsxfjl6aq6poovzhfl'),
(41, 'did:plc:yjbomeefzg2fixxam4odqalr'),
(42, 'did:plc:z2govn2uzeclebfbt3h7plbl'),
(43, 'did:plc:zbqk73kpy5ohwuvocwbequf4'),
(44, 'did:plc:zwa2zc4wkm4yns7jnd76bntv');

INSERT INTO account_status VALUES
(4, '2026-04-09 14:41:04.385564', true, ''),
(9, '2026-04-10 20:00:59.879405', true, ''),
(11, '2026-04-10 15:36:52.567945', true, ''),
(17, '2026-05-01 00:00:04', false, 'deleted');

INSERT INTO handle VALUES
(4, '2026-04-09 14:41:04.685564', 'kesesimi.bsky.social'),
(9, '2026-04-10 20:01:00.179405', 'pomohobe.bsky.social'),
(11, '2026-04-10 15:36:52.867945', 'dozekija.bsky.social'),
(28, '2026-04-10 18:04:28.592984', 'mavopuga.mirror.example.com'),
(32, '2026-04-09 14:04:50.706661', 'zusomapi.bsky.social');

INSERT INTO migration VALUES
(1, '001_events.sql', '2026-11-29 02:07:03.400123');

INSERT INTO plc VALUES
('did:plc:annaaaaaaaaaaaaaaaaaaaaa', '2026-05-01 00:00:00', 'ann.example.org', '2026-05-01 00:00:00');

INSERT INTO profile VALUES
(4, '3mj322zc7wniq', '2026-04-09 14:41:11.385564', false),
(9, '3mj64fyyqeg67', '2026-04-10 20:01:06.879405', false),
(11, '3mj5nnptnirki', '2026-04-10 15:36:59.567945', false),
(31, '3mj644vhhdx5v', NULL, false),
(34, '3mj5ld2o2gwti', NULL, false),
(41, '3mj5yndbyu5vv', NULL, false);

INSERT INTO record VALUES
('repost', 27, '3mj5as2vm4uwv', '3mj5as2vqkewv', false, '2026-04-10 11:46:46.783418', 2, '3mj4wwcdcphcx', NULL, NULL, NULL, NULL, NULL),
('repost', 18, '3mj3wq2zyuxcv', '3mj3wq323m4cv', false, '2026-04-09 23:14:02.634023', 3, '3mj3py2mo6tzt', NULL, NULL, NULL, NULL, NULL),
('repost', 2, '3mj4uvekidhcx', '3mj4uvekjuwcx', false, '2026-04-10 08:13:52.631691', 8, '3mj4pk732es6h', NULL, NULL, NULL, NULL, NULL),
('repost', 16, 'another.key', '3222222222225', false, '2026-05-01 00:00:03', 10, 'not-a-tid', NULL, NULL, NULL, NULL, NULL),
('follow', 30, '3mj56jemz57hk', '3mj56jen3wwhk', false, '2026-04-10 11:06:07.494355', 13, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 40, '3mj3aatdnqcfx', '3mj3aatdprefx', false, '2026-04-09 16:31:48.927756', 15, '3mizptfnzwgyu', 15, '3mizptfnzwgyu', '🎨 good morning 💀', NULL, NULL),
('follow', 21, '3mj33yoc33lqf', '3mj33yoc4p6qf', false, '2026-04-09 15:15:40.213015', 24, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 41, '3mj6esvqva7vv', '3mj6esvqy7rvv', false, '2026-04-10 22:31:29.634985', 33, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 33, '3mj5wwkhnkxi7', '3mj5wwkhoxni7', false, '2026-04-10 18:22:59.602249', 35, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 2, '3miznkwchimcx', '3miznkwcj23cx', false, '2026-04-09 01:24:46.736432', 37, '3mhieqlbm6tm2', NULL, NULL, NULL, NULL, NULL),
('follow', 40, '3mj5smuo5yjfx', '3mj5smuo7zlfx', false, '2026-04-10 17:05:59.803411', 39, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 38, '3mj3sjp3o5ezu', '3mj3sjp3s6uzu', false, '2026-04-09 21:58:53.822666', 40, '3mj2kmodrdpfx', NULL, NULL, NULL, NULL, NULL),
('follow', 25, '3mj4bje7kmcuf', '3mj4bje7nusuf', false, '2026-04-10 02:27:08.541544', 43, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 23, '3mj4da5kgd3l5', '3mj4da5kgvhl5', false, '2026-04-10 02:57:47.037625', 44, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 20, '3mj6aw5pt44rj', '3mj6aw5pvuyrj', false, '2026-04-10 21:21:43.663738', 8, '3mj4pk732es6h', NULL, NULL, NULL, NULL, NULL),
('post', 12, 'x', '3222222222224', false, '2026-05-01 00:00:02', 10, 'not-a-tid', 10, 'not-a-tid', 'an answer', NULL, NULL),
('post', 40, '3mj2kmodrdpfx', '3mj2kmodterfx', false, '2026-04-09 10:04:44.021625', 15, '3mizptfnzwgyu', 15, '3mizptfnzwgyu', 'mood 🌸', NULL, NULL),
('repost', 29, '3mizqq2z3ytbe', '3mizqq2z5k4be', false, '2026-04-09 02:21:20.698923', 44, '3mhorkghls6bl', NULL, NULL, NULL, NULL, NULL),
('follow', 17, 'f', '3222222222225', false, '2026-05-01 00:00:04', 10, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 14, '3mj354zfoovkg', '3mj354zfrtzkg', false, '2026-04-09 15:35:59.848931', 15, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 1, '3mj2kahvkxjaz', '3mj2kahvpdwaz', false, '2026-04-09 09:57:54.632905', NULL, NULL, NULL, NULL, 'Still thinking about sourdough that refuses to rise, no notes.', NULL, NULL),
('post', 3, '3mj3py2mo6tzt', '3mj3py2mqhazt', false, '2026-04-09 21:13:14.451123', NULL, NULL, NULL, NULL, 'Three years of what Mythos Preview can do 🌱✨', NULL, NULL),
('post', 8, '3mj4pk732es6h', '3mj4pk733w66h', false, '2026-04-10 06:38:09.099696', NULL, NULL, NULL, NULL, 'Just finished sourdough that refuses to rise… more tomorrow.', NULL, NULL),
('post', 2, '3mj4wwcdcphcx', '3mj4wwcdeawcx', false, '2026-04-10 08:50:11.337483', NULL, NULL, NULL, NULL, 'Que saudade de a chuva de manhã!', NULL, NULL),
('post', 42, '3mj5jhhxohdfr', '3mj5jhhxsubfr', false, '2026-04-10 14:21:55.039973', NULL, NULL, NULL, NULL, 'Still thinking about the night train north!', NULL, NULL),
('post', 6, '3mj5odvfyepos', '3mj5odvg2tyos', false, '2026-04-10 15:49:23.615527', NULL, NULL, NULL, NULL, 'Que saudade de um café na esquina, né?', NULL, NULL),
('post', 2, '3mj5s7d7tprcx', '3mj5s7d7vbacx', false, '2026-04-10 16:58:25.291541', NULL, NULL, NULL, NULL, 'Que saudade de um café na esquina!', NULL, NULL),
('post', 7, '3mj6clmwqq7dj', '3mj6clmwtg6dj', false, '2026-04-10 21:51:37.995843', NULL, NULL, NULL, NULL, 'Just finished soup, again… more tomorrow. #Fußball', ['Fußball'], NULL),
('post', 10, 'not-a-tid', '3222222222223', false, '2026-05-01 00:00:01', NULL, NULL, NULL, NULL, 'Claude Mythos of ann', NULL, NULL),
('post', 15, '3mizptfnzwgyu', '3mizptfo3piyu', false, '2026-04-09 02:05:18.763984', NULL, NULL, NULL, NULL, 'Por fin mañana sin café 🌊', NULL, NULL),
('post', 36, '3mizsllyunlos', '3mizsllyyh7os', false, '2026-04-09 02:54:38.216921', NULL, NULL, NULL, NULL, '朝から雨が降ってきた🍜', NULL, NULL),
('post', 19, '3mj2p5r3deu2t', '3mj2p5r3goq2t', false, '2026-04-09 11:25:52.294354', NULL, NULL, NULL, NULL, 'Hoy pensé en un libro pequeño 🌊', NULL, NULL),
('post', 13, '3mj2zzggcitsr', '3mj2zzggfqysr', false, '2026-04-09 14:40:18.037219', NULL, NULL, NULL, NULL, 'Nobody warned me about soup, again 🌱✨', NULL, NULL),
('post', 22, '3mj3iu35t5jvm', '3mj3iu35tzuvm', false, '2026-04-09 19:05:44.583557', NULL, NULL, NULL, NULL, 'good morning 💀', NULL, NULL),
('post', 26, '3mj3k4t3rru46', '3mj3k4t3ua346', false, '2026-04-09 19:28:31.862920', NULL, NULL, NULL, NULL, 'Three years of a library card from 1987!', NULL, NULL),
('post', 41, '3mj43gytrxlvv', '3mj43gytux5vv', false, '2026-04-10 00:38:27.069333', NULL, NULL, NULL, NULL, 'Por fin mañana sin café… #TradeWar', ['TradeWar'], NULL),
('post', 2, '3mj6hpci4ktcx', '3mj6hpci64ccx', false, '2026-04-10 23:23:09.963383', NULL, NULL, NULL, NULL, 'Que saudade de a chuva de manhã ☕', NULL, NULL),
('post', 44, '3mj6on5b3wfbl', '3mj6on5b5z7bl', false, '2026-04-11 01:27:13.575487', NULL, NULL, NULL, NULL, 'Finally some time for soup, again!', NULL, 'Review: "The Orchard"'),
('post', 33, '3mj6p4vybufi7', '3mj6p4vydb3i7', false, '2026-04-11 01:36:02.812023', NULL, NULL, NULL, NULL, '🎨 ok', NULL, NULL);

INSERT INTO rejected VALUES
('/events/before.jsonl', 'not JSON', 1);

INSERT INTO rejected_sample VALUES
('/events/before.jsonl', 'not JSON', 21617, 'oops
');

INSERT INTO source VALUES
('/events/before.jsonl', 'file', '21622:1795918021273854694', 21622, true, 56, 55, 0, '2026-04-09 01:24:46.736432', '2026-05-01 00:00:04'),
('/events/plc.jsonl', 'plc', '189:1795918021273911509', 189, true, 1, 1, 0, '2026-05-01 00:00:00', '2026-05-01 00:00:00');
