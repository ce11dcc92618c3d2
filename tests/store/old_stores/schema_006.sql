-- A store with schema 6, as blueattr after 0.2.0 wrote it from before.jsonl and plc.jsonl, which are
-- synthetic.


CREATE TYPE collection AS ENUM ('post', 'repost', 'follow');

CREATE TABLE account(id UINTEGER NOT NULL, did VARCHAR NOT NULL);

CREATE TABLE account_status(account UINTEGER NOT NULL, event_time TIMESTAMP NOT NULL, active BOOLEAN NOT NULL, status VARCHAR NOT NULL);

CREATE TABLE agent_day("day" DATE NOT NULL, account UINTEGER NOT NULL, records INTEGER NOT NULL, posts INTEGER NOT NULL, replies INTEGER NOT NULL, reposts INTEGER NOT NULL, replies_received INTEGER NOT NULL, reposts_received INTEGER NOT NULL, follows_received INTEGER NOT NULL);

CREATE TABLE given_day("day" DATE NOT NULL, account UINTEGER NOT NULL, subject UINTEGER NOT NULL, replies INTEGER NOT NULL, reposts INTEGER NOT NULL, follows INTEGER NOT NULL);

CREATE TABLE handle(account UINTEGER NOT NULL, event_time TIMESTAMP NOT NULL, handle VARCHAR NOT NULL);

CREATE TABLE hydration(account UINTEGER NOT NULL, asked_at TIMESTAMP NOT NULL, found BOOLEAN NOT NULL, followers BIGINT, followers_at TIMESTAMP, created_at TIMESTAMP);

CREATE TABLE migration("version" INTEGER PRIMARY KEY, "name" VARCHAR, applied_at TIMESTAMP);

CREATE TABLE pending(collection ENUM('post', 'repost', 'follow') NOT NULL, event_time TIMESTAMP NOT NULL, account UINTEGER NOT NULL, rkey BIGINT NOT NULL);

CREATE TABLE plc(did VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL, handle VARCHAR, handle_time TIMESTAMP);

CREATE TABLE profile(account UINTEGER NOT NULL, rev VARCHAR NOT NULL, created_at TIMESTAMP, bot BOOLEAN NOT NULL);

CREATE TABLE record(collection ENUM('post', 'repost', 'follow') NOT NULL, account UINTEGER NOT NULL, rkey BIGINT NOT NULL, rev UBIGINT NOT NULL, removed BOOLEAN NOT NULL, event_time TIMESTAMP, subject UINTEGER, subject_rkey BIGINT, root UINTEGER, root_rkey BIGINT, "text" VARCHAR, tags VARCHAR[], title VARCHAR);

CREATE TABLE record_key(id BIGINT NOT NULL, rkey VARCHAR NOT NULL);

CREATE TABLE rejected("source" VARCHAR, reason VARCHAR, lines BIGINT NOT NULL, PRIMARY KEY("source", reason));

CREATE TABLE rejected_sample("source" VARCHAR NOT NULL, reason VARCHAR NOT NULL, "position" BIGINT NOT NULL, "sample" VARCHAR NOT NULL);

CREATE TABLE "source"("name" VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, "position" BIGINT NOT NULL, complete BOOLEAN NOT NULL, lines BIGINT NOT NULL, kept BIGINT NOT NULL, skipped BIGINT NOT NULL, first_event TIMESTAMP, last_event TIMESTAMP, synthetic BOOLEAN DEFAULT(false));

CREATE TABLE span("source" VARCHAR NOT NULL, first_event TIMESTAMP, last_event TIMESTAMP, gap VARCHAR NOT NULL);

CREATE TABLE stored_day("day" DATE NOT NULL, first_event TIMESTAMP NOT NULL, last_event TIMESTAMP NOT NULL, summarised BOOLEAN NOT NULL, records BIGINT NOT NULL, corrected BIGINT NOT NULL);

CREATE TABLE topic(id USMALLINT NOT NULL, "rule" VARCHAR NOT NULL);

CREATE TABLE topic_event(topic USMALLINT NOT NULL, own BOOLEAN NOT NULL, collection ENUM('post', 'repost', 'follow') NOT NULL, event_time TIMESTAMP NOT NULL, account UINTEGER NOT NULL, rkey BIGINT NOT NULL, subject UINTEGER, subject_rkey BIGINT, root UINTEGER, root_rkey BIGINT);

CREATE TABLE watched(account UINTEGER NOT NULL);

CREATE VIEW "event" AS SELECT CASE  WHEN (((collection = 'post') AND (subject IS NULL))) THEN ('post') WHEN ((collection = 'post')) THEN ('reply') WHEN ((collection = 'repost')) THEN ('repost') ELSE 'follow' END AS kind, * EXCLUDE (rev, removed, collection) FROM record WHERE (NOT removed);

INSERT INTO account VALUES
    ('1', 'did:plc:2rti5fgxttc34dxxhyos5jjw'),
    ('2', 'did:plc:wd6wnzkxbympiqacyltmmptl'),
    ('3', 'did:plc:clokfwjyeenkrfzszrzjr3yp'),
    ('4', 'did:plc:ppnnegxuzq3xav6kw6ekj5k2'),
    ('5', 'did:plc:zwa2zc4wkm4yns7jnd76bntv'),
    ('6', 'did:plc:uodj7kkxk4wj44hmtrkoe2z2'),
    ('7', 'did:plc:2gdhfrxfhjae652exbnan7gm'),
    ('8', 'did:plc:xufm7xnsxfjl6aq6poovzhfl'),
    ('9', 'did:plc:dr2y4ynpxwkfx7znmsr3ceuu'),
    ('10', 'did:plc:bmeusvbdjk4qbkej5yq7zpdb'),
    ('11', 'did:plc:hmv6lr3wgyccicfgjfsih35q'),
    ('12', 'did:plc:j734z76jxf3m2z2vnkxtchtx'),
    ('13', 'did:plc:cdx35gp33q5kjbzgkukcvm4c'),
    ('14', 'did:plc:i4xsfdtyn55fwmagxmc2puyj'),
    ('15', 'did:plc:k3a7fm2qdfaqcl22hw65kz4i'),
    ('16', 'did:plc:2yomn5pn4jierrsyfcsyuixt'),
    ('17', 'did:plc:wpwu7aowrhjc62hnzx4i6pkh'),
    ('18', 'did:plc:dio465u4tea64lsrwfqicp3u'),
    ('19', 'did:plc:yjbomeefzg2fixxam4odqalr'),
    ('20', 'did:plc:jzeaulgbfzj7dztzkmtk7g2i'),
    ('21', 'did:plc:zbqk73kpy5ohwuvocwbequf4'),
    ('22', 'did:plc:iwaqgf4o6b2khpfo4zciqhc2'),
    ('23', 'did:plc:66nixna6hm6rc4iuqlsmrvpi'),
    ('24', 'did:plc:q7s35o6hnaxrattpkcrulpn3'),
    ('25', 'did:plc:lg62uiwmogirwf2lthlmgvfu'),
    ('26', 'did:plc:z2govn2uzeclebfbt3h7plbl'),
    ('27', 'did:plc:4ua3m3uqpgn7ur5b3youvkbp'),
    ('28', 'did:plc:xdclgsvsv6vd2mxanu63uvoy'),
    ('29', 'did:plc:sbtbyetbu5rbxyuedst6twar'),
    ('30', 'did:plc:tq74tac53s2n6euy5wbaheno'),
    ('31', 'did:plc:erkbm5ixfd7pkw3sf4qqj6s5'),
    ('32', 'did:plc:5lulj65ecwvzxgvgp2oijxit'),
    ('33', 'did:plc:3spep7h4cyckhzztzj4oqy6m'),
    ('34', 'did:plc:4bu6nwyqohbvsqr72tpk2n7y'),
    ('35', 'did:plc:7rzd75a5ao253qhv6ogprkyh'),
    ('36', 'did:plc:ann'),
    ('37', 'did:plc:avvjy7z7zxsnxgelok5iqrs6'),
    ('38', 'did:plc:bea'),
    ('39', 'did:plc:cyd'),
    ('40', 'did:plc:dan'),
    ('41', 'did:plc:n5swbwpksvvjpotjbawqyeiq'),
    ('42', 'did:plc:qsvr4ec65boysbpbza6iq5sf'),
    ('43', 'did:plc:ruix6u4bhkzhsdykrqfvx3hf'),
    ('44', 'did:plc:swswsl6krxdoljedkaydwclh');

INSERT INTO account_status VALUES
    ('33', '2026-04-09 14:41:04.385564', 'true', ''),
    ('35', '2026-04-10 20:00:59.879405', 'true', ''),
    ('37', '2026-04-10 15:36:52.567945', 'true', ''),
    ('40', '2026-05-01 00:00:04', 'false', 'deleted');

INSERT INTO agent_day VALUES
    ('2026-04-09', '1', '1', '0', '0', '1', '0', '0', '0'),
    ('2026-04-09', '2', '0', '0', '0', '0', '0', '1', '0'),
    ('2026-04-09', '3', '1', '1', '0', '0', '2', '0', '1'),
    ('2026-04-09', '4', '1', '0', '0', '1', '0', '0', '0'),
    ('2026-04-09', '5', '0', '0', '0', '0', '0', '1', '0'),
    ('2026-04-09', '6', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-09', '7', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-09', '8', '2', '0', '2', '0', '0', '1', '0'),
    ('2026-04-09', '9', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-09', '10', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-09', '11', '1', '0', '0', '0', '0', '0', '0'),
    ('2026-04-09', '12', '0', '0', '0', '0', '0', '0', '1'),
    ('2026-04-09', '13', '1', '0', '0', '0', '0', '0', '0'),
    ('2026-04-09', '14', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-09', '15', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-09', '16', '1', '1', '0', '0', '0', '1', '0'),
    ('2026-04-09', '17', '1', '0', '0', '1', '0', '0', '0'),
    ('2026-04-09', '18', '1', '0', '0', '1', '0', '0', '0'),
    ('2026-04-10', '1', '4', '3', '0', '1', '0', '1', '0'),
    ('2026-04-10', '5', '0', '0', '0', '0', '0', '0', '1'),
    ('2026-04-10', '8', '1', '0', '0', '0', '0', '0', '0'),
    ('2026-04-10', '10', '0', '0', '0', '0', '0', '0', '1'),
    ('2026-04-10', '19', '2', '1', '0', '0', '0', '0', '0'),
    ('2026-04-10', '20', '1', '0', '0', '0', '0', '0', '0'),
    ('2026-04-10', '21', '0', '0', '0', '0', '0', '0', '1'),
    ('2026-04-10', '22', '1', '0', '0', '0', '0', '0', '0'),
    ('2026-04-10', '23', '1', '1', '0', '0', '0', '2', '0'),
    ('2026-04-10', '24', '1', '0', '0', '0', '0', '0', '0'),
    ('2026-04-10', '25', '1', '0', '0', '1', '0', '0', '0'),
    ('2026-04-10', '26', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-10', '27', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-10', '28', '0', '0', '0', '0', '0', '0', '1'),
    ('2026-04-10', '29', '1', '0', '0', '0', '0', '0', '1'),
    ('2026-04-10', '30', '0', '0', '0', '0', '0', '0', '1'),
    ('2026-04-10', '31', '1', '0', '0', '1', '0', '0', '0'),
    ('2026-04-10', '32', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-11', '5', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-04-11', '29', '1', '1', '0', '0', '0', '0', '0'),
    ('2026-05-01', '36', '1', '1', '0', '0', '1', '1', '1'),
    ('2026-05-01', '38', '1', '0', '1', '0', '0', '0', '0'),
    ('2026-05-01', '39', '1', '0', '0', '1', '0', '0', '0'),
    ('2026-05-01', '40', '1', '0', '0', '0', '0', '0', '0');

INSERT INTO given_day VALUES
    ('2026-05-01', '40', '36', '0', '0', '1');

INSERT INTO handle VALUES
    ('33', '2026-04-09 14:41:04.685564', 'kesesimi.bsky.social'),
    ('35', '2026-04-10 20:01:00.179405', 'pomohobe.bsky.social'),
    ('37', '2026-04-10 15:36:52.867945', 'dozekija.bsky.social'),
    ('41', '2026-04-10 18:04:28.592984', 'mavopuga.mirror.example.com'),
    ('43', '2026-04-09 14:04:50.706661', 'zusomapi.bsky.social');

INSERT INTO migration VALUES
    ('1', '001_events.sql', '2026-11-29 08:14:22.72526'),
    ('2', '002_spans.sql', '2026-11-29 08:14:22.737176'),
    ('3', '003_hydration.sql', '2026-11-29 08:14:22.749178'),
    ('4', '004_record_keys.sql', '2026-11-29 08:14:22.757118'),
    ('5', '005_rollups.sql', '2026-11-29 08:14:22.771172'),
    ('6', '006_synthetic.sql', '2026-11-29 08:14:22.785123');

INSERT INTO plc VALUES
    ('did:plc:annaaaaaaaaaaaaaaaaaaaaa', '2026-05-01 00:00:00', 'ann.example.org', '2026-05-01 00:00:00');

INSERT INTO profile VALUES
    ('19', '3mj5yndbyu5vv', NULL, 'false'),
    ('33', '3mj322zc7wniq', '2026-04-09 14:41:11.385564', 'false'),
    ('35', '3mj64fyyqeg67', '2026-04-10 20:01:06.879405', 'false'),
    ('37', '3mj5nnptnirki', '2026-04-10 15:36:59.567945', 'false'),
    ('42', '3mj644vhhdx5v', NULL, 'false'),
    ('44', '3mj5ld2o2gwti', NULL, 'false');

INSERT INTO record VALUES
    ('post', '5', '1818491733564861681', '1818491733567050993', 'false', '2026-04-11 01:27:13.575487', NULL, NULL, NULL, NULL, 'Finally some time for soup, again!', NULL, 'Review: "The Orchard"'),
    ('post', '29', '1818492275508719045', '1818492275510183365', 'false', '2026-04-11 01:36:02.812023', NULL, NULL, NULL, NULL, '🎨 ok', NULL, NULL),
    ('post', '36', '-3', '1152921504606846977', 'false', '2026-05-01 00:00:01', NULL, NULL, NULL, NULL, 'Claude Mythos of ann', NULL, NULL),
    ('post', '38', '-4', '1152921504606846978', 'false', '2026-05-01 00:00:02', '36', '-3', '36', '-3', 'an answer', NULL, NULL),
    ('repost', '39', '-1', '1152921504606846979', 'false', '2026-05-01 00:00:03', '36', '-3', NULL, NULL, NULL, NULL, NULL),
    ('follow', '40', '-2', '1152921504606846979', 'false', '2026-05-01 00:00:04', '36', NULL, NULL, NULL, NULL, NULL, NULL),
    ('follow', '11', '1818365685971076811', '1818365685972767435', 'false', '2026-04-09 15:15:40.213015', '12', NULL, NULL, NULL, NULL, NULL, NULL),
    ('post', '16', '1818387655084369913', '1818387655086742521', 'false', '2026-04-09 21:13:14.451123', NULL, NULL, NULL, NULL, 'Three years of what Mythos Preview can do 🌱✨', NULL, NULL),
    ('post', '26', '1818450856971249015', '1818450856975867255', 'false', '2026-04-10 14:21:55.039973', NULL, NULL, NULL, NULL, 'Still thinking about the night train north!', NULL, NULL),
    ('post', '15', '1818381221730445380', '1818381221733008452', 'false', '2026-04-09 19:28:31.86292', NULL, NULL, NULL, NULL, 'Three years of a library card from 1987!', NULL, NULL),
    ('follow', '22', '1818408823829071395', '1818408823829673507', 'false', '2026-04-10 02:57:47.037625', '5', NULL, NULL, NULL, NULL, NULL, NULL),
    ('repost', '31', '1818476650133785327', '1818476650136697583', 'false', '2026-04-10 21:21:43.663738', '23', '1818422363197628557', NULL, NULL, NULL, NULL, NULL),
    ('post', '32', '1818478487538439471', '1818478487541256495', 'false', '2026-04-10 21:51:37.995843', NULL, NULL, NULL, NULL, 'Just finished soup, again… more tomorrow. #Fußball', '[Fußball]', NULL),
    ('post', '9', '1818351567113644057', '1818351567117113369', 'false', '2026-04-09 11:25:52.294354', NULL, NULL, NULL, NULL, 'Hoy pensé en un libro pequeño 🌊', NULL, NULL),
    ('post', '14', '1818379821639647090', '1818379821640575858', 'false', '2026-04-09 19:05:44.583557', NULL, NULL, NULL, NULL, 'good morning 💀', NULL, NULL),
    ('repost', '17', '1818390460201282554', '1818390460205526010', 'false', '2026-04-09 21:58:53.822666', '8', '1818346582013433213', NULL, NULL, NULL, NULL, NULL),
    ('post', '10', '1818363512859617047', '1818363512863030039', 'false', '2026-04-09 14:40:18.037219', NULL, NULL, NULL, NULL, 'Nobody warned me about soup, again 🌱✨', NULL, NULL),
    ('repost', '18', '1818395077235275035', '1818395077238130971', 'false', '2026-04-09 23:14:02.634023', '16', '1818387655084369913', NULL, NULL, NULL, NULL, NULL),
    ('follow', '29', '1818465668701910469', '1818465668703374789', 'false', '2026-04-10 18:22:59.602249', '30', NULL, NULL, NULL, NULL, NULL, NULL),
    ('post', '8', '1818346582013433213', '1818346582015565181', 'false', '2026-04-09 10:04:44.021625', '3', '1818317126398522330', '3', '1818317126398522330', 'mood 🌸', NULL, NULL),
    ('follow', '13', '1818366934854037004', '1818366934857350668', 'false', '2026-04-09 15:35:59.848931', '3', NULL, NULL, NULL, NULL, NULL, NULL),
    ('post', '8', '1818370364317311357', '1818370364319443325', 'false', '2026-04-09 16:31:48.927756', '3', '1818317126398522330', '3', '1818317126398522330', '🎨 good morning 💀', NULL, NULL),
    ('post', '19', '1818400263199704955', '1818400263202836347', 'false', '2026-04-10 00:38:27.069333', NULL, NULL, NULL, NULL, 'Por fin mañana sin café… #TradeWar', '[TradeWar]', NULL),
    ('follow', '8', '1818460938013982077', '1818460938016114045', 'false', '2026-04-10 17:05:59.803411', '28', NULL, NULL, NULL, NULL, NULL, NULL),
    ('follow', '19', '1818480936546932603', '1818480936550063995', 'false', '2026-04-10 22:31:29.634985', '29', NULL, NULL, NULL, NULL, NULL, NULL),
    ('post', '7', '1818346162777668831', '1818346162782269663', 'false', '2026-04-09 09:57:54.632905', NULL, NULL, NULL, NULL, 'Still thinking about sourdough that refuses to rise, no notes.', NULL, NULL),
    ('post', '27', '1818456231529240216', '1818456231531838104', 'false', '2026-04-10 15:49:23.615527', NULL, NULL, NULL, NULL, 'Que saudade de um café na esquina, né?', NULL, NULL),
    ('repost', '25', '1818441325295528859', '1818441325300165531', 'false', '2026-04-10 11:46:46.783418', '1', '1818430475594282269', NULL, NULL, NULL, NULL, NULL),
    ('repost', '1', '1818314636002806045', '1818314636004427037', 'false', '2026-04-09 01:24:46.736432', '2', '1816580900484441664', NULL, NULL, NULL, NULL, NULL),
    ('repost', '1', '1818428244599551261', '1818428244601172253', 'false', '2026-04-10 08:13:52.631691', '23', '1818422363197628557', NULL, NULL, NULL, NULL, NULL),
    ('post', '1', '1818430475594282269', '1818430475595903261', 'false', '2026-04-10 08:50:11.337483', NULL, NULL, NULL, NULL, 'Que saudade de a chuva de manhã!', NULL, NULL),
    ('post', '1', '1818460472603237661', '1818460472604858653', 'false', '2026-04-10 16:58:25.291541', NULL, NULL, NULL, NULL, 'Que saudade de um café na esquina!', NULL, NULL),
    ('post', '1', '1818484111307203869', '1818484111308824861', 'false', '2026-04-10 23:23:09.963383', NULL, NULL, NULL, NULL, 'Que saudade de a chuva de manhã ☕', NULL, NULL),
    ('repost', '4', '1818318111391048938', '1818318111392663786', 'false', '2026-04-09 02:21:20.698923', '5', '1816806089041907953', NULL, NULL, NULL, NULL, NULL),
    ('post', '23', '1818422363197628557', '1818422363199246477', 'false', '2026-04-10 06:38:09.099696', NULL, NULL, NULL, NULL, 'Just finished sourdough that refuses to rise… more tomorrow.', NULL, NULL),
    ('follow', '24', '1818438827483698608', '1818438827486638512', 'false', '2026-04-10 11:06:07.494355', '10', NULL, NULL, NULL, NULL, NULL, NULL),
    ('follow', '20', '1818406941195051851', '1818406941198476107', 'false', '2026-04-10 02:27:08.541544', '21', NULL, NULL, NULL, NULL, NULL, NULL),
    ('post', '3', '1818317126398522330', '1818317126400392154', 'false', '2026-04-09 02:05:18.763984', NULL, NULL, NULL, NULL, 'Por fin mañana sin café 🌊', NULL, NULL),
    ('post', '6', '1818320156861515416', '1818320156865500824', 'false', '2026-04-09 02:54:38.216921', NULL, NULL, NULL, NULL, '朝から雨が降ってきた🍜', NULL, NULL);

INSERT INTO record_key VALUES
    ('-1', 'another.key'),
    ('-2', 'f'),
    ('-3', 'not-a-tid'),
    ('-4', 'x');

INSERT INTO rejected VALUES
    ('/events/before.jsonl', 'not JSON', '1');

INSERT INTO rejected_sample VALUES
    ('/events/before.jsonl', 'not JSON', '21617', 'oops
');

INSERT INTO source VALUES
    ('/events/plc.jsonl', 'plc', '189:1795939500093903322', '189', 'true', '1', '1', '0', '2026-05-01 00:00:00', '2026-05-01 00:00:00', 'false'),
    ('/events/before.jsonl', 'file', '21622:1795939500093903322', '21622', 'true', '56', '55', '0', '2026-04-09 01:24:46.736432', '2026-05-01 00:00:04', 'false');

INSERT INTO span VALUES
    ('/events/before.jsonl', '2026-04-09 01:24:46.736432', '2026-05-01 00:00:04', '');

INSERT INTO stored_day VALUES
    ('2026-04-09', '2026-04-09 01:24:46.736432', '2026-04-09 23:14:02.634023', 'true', '16', '0'),
    ('2026-04-10', '2026-04-10 00:38:27.069333', '2026-04-10 23:23:09.963383', 'true', '17', '0'),
    ('2026-04-11', '2026-04-11 01:27:13.575487', '2026-04-11 01:36:02.812023', 'true', '2', '0'),
    ('2026-05-01', '2026-05-01 00:00:01', '2026-05-01 00:00:04', 'true', '4', '0');

INSERT INTO topic VALUES
    ('1', '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:claude[\\s\\pZ]+mythos|anthropic[\\s\\pZ]+mythos|anthropic''s[\\s\\pZ]+mythos|anthropic’s[\\s\\pZ]+mythos|mythos[\\s\\pZ]+preview|mythos[\\s\\pZ]+model|mythos[\\s\\pZ]+ai|mythos[\\s\\pZ]+llm|mythos[\\s\\pZ]+benchmark|mythos[\\s\\pZ]+benchmarks|mythos[\\s\\pZ]+system[\\s\\pZ]+card)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|[#＃](?:claudemythos|anthropicmythos|mythosai|mythospreview)(?:$|[^\\pL\\pM\\pN_])", "(?i)claude[\\s\\pZ]+mythos|anthropic[\\s\\pZ]+mythos|anthropic''s[\\s\\pZ]+mythos|anthropic’s[\\s\\pZ]+mythos|mythos[\\s\\pZ]+preview|mythos[\\s\\pZ]+model|mythos[\\s\\pZ]+ai|mythos[\\s\\pZ]+llm|mythos[\\s\\pZ]+benchmark|mythos[\\s\\pZ]+benchmarks|mythos[\\s\\pZ]+system[\\s\\pZ]+card|claudemythos|anthropicmythos|mythosai|mythospreview", ["anthropic''smythos", "anthropicmythos", "anthropic’smythos", "claudemythos", "mythosai", "mythosbenchmark", "mythosbenchmarks", "mythosllm", "mythosmodel", "mythospreview", "mythossystemcard"], null]'),
    ('2', '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:trump[\\s\\pZ]+tariff|trump[\\s\\pZ]+tariffs|trump''s[\\s\\pZ]+tariff|trump''s[\\s\\pZ]+tariffs|trump’s[\\s\\pZ]+tariff|trump’s[\\s\\pZ]+tariffs|tariffs[\\s\\pZ]+on[\\s\\pZ]+china|tariffs[\\s\\pZ]+on[\\s\\pZ]+imports|tariff[\\s\\pZ]+war|tariff[\\s\\pZ]+refund|tariff[\\s\\pZ]+refunds|reciprocal[\\s\\pZ]+tariff|reciprocal[\\s\\pZ]+tariffs|trade[\\s\\pZ]+war|trump\\-zölle|trumps[\\s\\pZ]+zölle|tarifas[\\s\\pZ]+de[\\s\\pZ]+trump|aranceles[\\s\\pZ]+de[\\s\\pZ]+trump)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|(?:トランプ関税)|[#＃](?:trumptariff|trumptariffs|tariffs|tariffwar|tradewar)(?:$|[^\\pL\\pM\\pN_])", "(?i)trump[\\s\\pZ]+tariff|trump[\\s\\pZ]+tariffs|trump''s[\\s\\pZ]+tariff|trump''s[\\s\\pZ]+tariffs|trump’s[\\s\\pZ]+tariff|trump’s[\\s\\pZ]+tariffs|tariffs[\\s\\pZ]+on[\\s\\pZ]+china|tariffs[\\s\\pZ]+on[\\s\\pZ]+imports|tariff[\\s\\pZ]+war|tariff[\\s\\pZ]+refund|tariff[\\s\\pZ]+refunds|reciprocal[\\s\\pZ]+tariff|reciprocal[\\s\\pZ]+tariffs|trade[\\s\\pZ]+war|trump\\-zölle|trumps[\\s\\pZ]+zölle|tarifas[\\s\\pZ]+de[\\s\\pZ]+trump|aranceles[\\s\\pZ]+de[\\s\\pZ]+trump|トランプ関税|trumptariff|trumptariffs|tariffs|tariffwar|tradewar", ["arancelesdetrump", "reciprocaltariff", "reciprocaltariffs", "tarifasdetrump", "tariffrefund", "tariffrefunds", "tariffs", "tariffsonchina", "tariffsonimports", "tariffwar", "tradewar", "trump''stariff", "trump''stariffs", "trump-zölle", "trumpszölle", "trumptariff", "trumptariffs", "trump’stariff", "trump’stariffs", "トランプ関税"], null]'),
    ('3', '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:the[\\s\\pZ]+masters|masters[\\s\\pZ]+tournament|masters[\\s\\pZ]+sunday|masters[\\s\\pZ]+leaderboard|augusta[\\s\\pZ]+national|green[\\s\\pZ]+jacket|amen[\\s\\pZ]+corner)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|[#＃](?:themasters|masters2026|mastersgolf|augustanational)(?:$|[^\\pL\\pM\\pN_])", "(?i)the[\\s\\pZ]+masters|masters[\\s\\pZ]+tournament|masters[\\s\\pZ]+sunday|masters[\\s\\pZ]+leaderboard|augusta[\\s\\pZ]+national|green[\\s\\pZ]+jacket|amen[\\s\\pZ]+corner|themasters|masters2026|mastersgolf|augustanational", ["amencorner", "augustanational", "greenjacket", "masters2026", "mastersgolf", "mastersleaderboard", "masterssunday", "masterstournament", "themasters"], null]'),
    ('4', '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:earth[\\s\\pZ]+day|climate[\\s\\pZ]+change|climate[\\s\\pZ]+crisis|climate[\\s\\pZ]+action|climate[\\s\\pZ]+emergency|climate[\\s\\pZ]+justice|climate[\\s\\pZ]+policy|global[\\s\\pZ]+warming|klimawandel|klimakrise|klimaschutz|dia[\\s\\pZ]+da[\\s\\pZ]+terra|mudança[\\s\\pZ]+climática|mudanças[\\s\\pZ]+climáticas|crise[\\s\\pZ]+climática|cambio[\\s\\pZ]+climático)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|(?:アースデイ|気候変動)|[#＃](?:earthday|earthday2026|climatechange|climatecrisis|climateaction|climateemergency|climatejustice|klimakrise|klimawandel)(?:$|[^\\pL\\pM\\pN_])", "(?i)earth[\\s\\pZ]+day|climate[\\s\\pZ]+change|climate[\\s\\pZ]+crisis|climate[\\s\\pZ]+action|climate[\\s\\pZ]+emergency|climate[\\s\\pZ]+justice|climate[\\s\\pZ]+policy|global[\\s\\pZ]+warming|klimawandel|klimakrise|klimaschutz|dia[\\s\\pZ]+da[\\s\\pZ]+terra|mudança[\\s\\pZ]+climática|mudanças[\\s\\pZ]+climáticas|crise[\\s\\pZ]+climática|cambio[\\s\\pZ]+climático|アースデイ|気候変動|earthday|earthday2026|climatechange|climatecrisis|climateaction|climateemergency|climatejustice|klimakrise|klimawandel", ["cambioclimático", "climateaction", "climatechange", "climatecrisis", "climateemergency", "climatejustice", "climatepolicy", "criseclimática", "diadaterra", "earthday", "earthday2026", "globalwarming", "klimakrise", "klimaschutz", "klimawandel", "mudançaclimática", "mudançasclimáticas", "アースデイ", "気候変動"], null]'),
    ('5', '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:wrestlemania|wrestle[\\s\\pZ]+mania|wrestlemania[\\s\\pZ]+42|wm42)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|[#＃](?:wrestlemania|wrestlemania42|wrestlemaniaxlii|wm42)(?:$|[^\\pL\\pM\\pN_])", "(?i)wrestlemania|wrestle[\\s\\pZ]+mania|wrestlemania[\\s\\pZ]+42|wm42|wrestlemania|wrestlemania42|wrestlemaniaxlii|wm42", ["wm42", "wrestlemania", "wrestlemania42", "wrestlemaniaxlii"], null]');

INSERT INTO topic_event VALUES
    ('1', 'true', 'post', '2026-04-09 21:13:14.451123', '16', '1818387655084369913', NULL, NULL, NULL, NULL),
    ('1', 'false', 'repost', '2026-04-09 23:14:02.634023', '18', '1818395077235275035', '16', '1818387655084369913', NULL, NULL),
    ('1', 'true', 'post', '2026-05-01 00:00:01', '36', '-3', NULL, NULL, NULL, NULL),
    ('1', 'false', 'post', '2026-05-01 00:00:02', '38', '-4', '36', '-3', '36', '-3'),
    ('1', 'false', 'repost', '2026-05-01 00:00:03', '39', '-1', '36', '-3', NULL, NULL),
    ('2', 'true', 'post', '2026-04-10 00:38:27.069333', '19', '1818400263199704955', NULL, NULL, NULL, NULL);

INSERT INTO watched VALUES
    ('40');
