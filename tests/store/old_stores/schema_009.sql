-- A store with schema 9, as blueattr before 0.3.0 wrote it from before.jsonl and plc.jsonl, which are
-- synthetic.

CREATE TYPE collection AS ENUM ('post', 'repost', 'follow');

CREATE TYPE time_from AS ENUM ('server', 'imported', 'key', 'claimed', 'collected');

CREATE TABLE account(id UINTEGER NOT NULL, did VARCHAR NOT NULL);

CREATE TABLE account_status(account UINTEGER NOT NULL, event_time TIMESTAMP NOT NULL, active BOOLEAN NOT NULL, status VARCHAR NOT NULL);

CREATE TABLE agent_day("day" DATE NOT NULL, account UINTEGER NOT NULL, records INTEGER NOT NULL, posts INTEGER NOT NULL, replies INTEGER NOT NULL, reposts INTEGER NOT NULL, replies_received INTEGER NOT NULL, reposts_received INTEGER NOT NULL, follows_received INTEGER NOT NULL, quotes_received INTEGER DEFAULT(0) NOT NULL);

CREATE TABLE closure(account UINTEGER NOT NULL, rkey BIGINT NOT NULL, step VARCHAR NOT NULL, "cursor" VARCHAR);

CREATE TABLE forgotten(hash VARCHAR NOT NULL, forgotten_at TIMESTAMP NOT NULL);

CREATE TABLE forgotten_key(inner_pad BLOB NOT NULL, outer_pad BLOB NOT NULL);

CREATE TABLE given_day("day" DATE NOT NULL, account UINTEGER NOT NULL, subject UINTEGER NOT NULL, replies INTEGER NOT NULL, reposts INTEGER NOT NULL, follows INTEGER NOT NULL, quotes INTEGER DEFAULT(0) NOT NULL);

CREATE TABLE handle(account UINTEGER NOT NULL, event_time TIMESTAMP NOT NULL, handle VARCHAR NOT NULL);

CREATE TABLE hydration(account UINTEGER NOT NULL, asked_at TIMESTAMP NOT NULL, found BOOLEAN NOT NULL, followers BIGINT, followers_at TIMESTAMP, created_at TIMESTAMP);

CREATE TABLE imported_count(account UINTEGER NOT NULL, rkey BIGINT NOT NULL, replies BIGINT, reposts BIGINT, quotes BIGINT, counted_at TIMESTAMP NOT NULL);

CREATE TABLE kept_from("name" VARCHAR NOT NULL, "after" TIMESTAMP NOT NULL);

CREATE TABLE last_commit(mark UUID NOT NULL);

CREATE TABLE migration("version" INTEGER PRIMARY KEY, "name" VARCHAR, applied_at TIMESTAMP);

CREATE TABLE network_count(account UINTEGER NOT NULL, rkey BIGINT NOT NULL, replies BIGINT, reposts BIGINT, quotes BIGINT, counted_at TIMESTAMP NOT NULL);

CREATE TABLE pending(collection ENUM('post', 'repost', 'follow') NOT NULL, event_time TIMESTAMP NOT NULL, account UINTEGER NOT NULL, rkey BIGINT NOT NULL);

CREATE TABLE plc(did VARCHAR NOT NULL, created_at TIMESTAMP NOT NULL, handle VARCHAR, handle_time TIMESTAMP, host VARCHAR, host_time TIMESTAMP);

CREATE TABLE plc_handle(did VARCHAR NOT NULL, handle VARCHAR NOT NULL, handle_time TIMESTAMP NOT NULL);

CREATE TABLE profile(account UINTEGER NOT NULL, rev VARCHAR NOT NULL, created_at TIMESTAMP, bot BOOLEAN NOT NULL, labels VARCHAR);

CREATE TABLE record(collection ENUM('post', 'repost', 'follow') NOT NULL, account UINTEGER NOT NULL, rkey BIGINT NOT NULL, rev UBIGINT NOT NULL, removed BOOLEAN NOT NULL, event_time TIMESTAMP, subject UINTEGER, subject_rkey BIGINT, root UINTEGER, root_rkey BIGINT, "text" VARCHAR, tags VARCHAR[], title VARCHAR, time_from ENUM('server', 'imported', 'key', 'claimed', 'collected') DEFAULT('server'), first_time TIMESTAMP, is_repeat BOOLEAN DEFAULT(false), langs VARCHAR, quoted UINTEGER, quoted_rkey BIGINT, via UINTEGER, via_rkey BIGINT, domains VARCHAR[], mentions UINTEGER[], labels VARCHAR);

CREATE TABLE record_key(id BIGINT NOT NULL, rkey VARCHAR NOT NULL);

CREATE TABLE rejected("source" VARCHAR, reason VARCHAR, lines BIGINT NOT NULL, PRIMARY KEY("source", reason));

CREATE TABLE rejected_sample("source" VARCHAR NOT NULL, reason VARCHAR NOT NULL, "position" BIGINT NOT NULL, "sample" VARCHAR NOT NULL);

CREATE TABLE row_hash(known UBIGINT NOT NULL);

CREATE TABLE row_sum("name" VARCHAR NOT NULL, "day" DATE, "rows" BIGINT NOT NULL, total HUGEINT NOT NULL);

CREATE TABLE searched("source" VARCHAR NOT NULL, query VARCHAR NOT NULL, since TIMESTAMP NOT NULL, "until" TIMESTAMP NOT NULL, outcome VARCHAR NOT NULL, hits BIGINT NOT NULL, "matched" BIGINT NOT NULL);

CREATE TABLE "source"("name" VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, "position" BIGINT NOT NULL, complete BOOLEAN NOT NULL, lines BIGINT NOT NULL, kept BIGINT NOT NULL, skipped BIGINT NOT NULL, first_event TIMESTAMP, last_event TIMESTAMP, synthetic BOOLEAN DEFAULT(false), mark BIGINT, stalled BIGINT DEFAULT(0), bounded BIGINT DEFAULT(0), ahead BIGINT DEFAULT(0), drawn VARCHAR, remarks VARCHAR, counts BOOLEAN);

CREATE TABLE source_account("source" VARCHAR NOT NULL, did VARCHAR NOT NULL);

CREATE TABLE span("source" VARCHAR NOT NULL, first_event TIMESTAMP, last_event TIMESTAMP, gap VARCHAR NOT NULL);

CREATE TABLE stored_day("day" DATE NOT NULL, first_event TIMESTAMP NOT NULL, last_event TIMESTAMP NOT NULL, summarised BOOLEAN NOT NULL, records BIGINT NOT NULL, corrected BIGINT NOT NULL);

CREATE TABLE topic(id USMALLINT NOT NULL, "rule" VARCHAR NOT NULL);

CREATE TABLE topic_event(topic USMALLINT NOT NULL, own BOOLEAN NOT NULL, collection ENUM('post', 'repost', 'follow') NOT NULL, event_time TIMESTAMP NOT NULL, account UINTEGER NOT NULL, rkey BIGINT NOT NULL, subject UINTEGER, subject_rkey BIGINT, root UINTEGER, root_rkey BIGINT, quoted UINTEGER, quoted_rkey BIGINT);

CREATE TABLE watched(account UINTEGER NOT NULL);

CREATE VIEW "event" AS SELECT CASE  WHEN (((collection = 'post') AND (subject IS NULL))) THEN ('post') WHEN ((collection = 'post')) THEN ('reply') WHEN ((collection = 'repost')) THEN ('repost') ELSE 'follow' END AS kind, * EXCLUDE (collection, removed, first_time, rev, is_repeat) FROM record WHERE (NOT removed);

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

INSERT INTO agent_day VALUES
('2026-04-09', 1, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-09', 2, 1, 0, 0, 1, 0, 0, 0, 0),
('2026-04-09', 3, 1, 1, 0, 0, 0, 1, 0, 0),
('2026-04-09', 13, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-09', 14, 1, 0, 0, 0, 0, 0, 0, 0),
('2026-04-09', 15, 1, 1, 0, 0, 2, 0, 1, 0),
('2026-04-09', 18, 1, 0, 0, 1, 0, 0, 0, 0),
('2026-04-09', 19, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-09', 21, 1, 0, 0, 0, 0, 0, 0, 0),
('2026-04-09', 22, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-09', 24, 0, 0, 0, 0, 0, 0, 1, 0),
('2026-04-09', 26, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-09', 29, 1, 0, 0, 1, 0, 0, 0, 0),
('2026-04-09', 36, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-09', 37, 0, 0, 0, 0, 0, 1, 0, 0),
('2026-04-09', 38, 1, 0, 0, 1, 0, 0, 0, 0),
('2026-04-09', 40, 2, 0, 2, 0, 0, 1, 0, 0),
('2026-04-09', 44, 0, 0, 0, 0, 0, 1, 0, 0),
('2026-04-10', 2, 4, 3, 0, 1, 0, 1, 0, 0),
('2026-04-10', 6, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-10', 7, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-10', 8, 1, 1, 0, 0, 0, 2, 0, 0),
('2026-04-10', 13, 0, 0, 0, 0, 0, 0, 1, 0),
('2026-04-10', 20, 1, 0, 0, 1, 0, 0, 0, 0),
('2026-04-10', 23, 1, 0, 0, 0, 0, 0, 0, 0),
('2026-04-10', 25, 1, 0, 0, 0, 0, 0, 0, 0),
('2026-04-10', 27, 1, 0, 0, 1, 0, 0, 0, 0),
('2026-04-10', 30, 1, 0, 0, 0, 0, 0, 0, 0),
('2026-04-10', 33, 1, 0, 0, 0, 0, 0, 1, 0),
('2026-04-10', 35, 0, 0, 0, 0, 0, 0, 1, 0),
('2026-04-10', 39, 0, 0, 0, 0, 0, 0, 1, 0),
('2026-04-10', 40, 1, 0, 0, 0, 0, 0, 0, 0),
('2026-04-10', 41, 2, 1, 0, 0, 0, 0, 0, 0),
('2026-04-10', 42, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-10', 43, 0, 0, 0, 0, 0, 0, 1, 0),
('2026-04-10', 44, 0, 0, 0, 0, 0, 0, 1, 0),
('2026-04-11', 33, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-04-11', 44, 1, 1, 0, 0, 0, 0, 0, 0),
('2026-05-01', 10, 1, 1, 0, 0, 1, 1, 1, 0),
('2026-05-01', 12, 1, 0, 1, 0, 0, 0, 0, 0),
('2026-05-01', 16, 1, 0, 0, 1, 0, 0, 0, 0),
('2026-05-01', 17, 1, 0, 0, 0, 0, 0, 0, 0);

INSERT INTO given_day VALUES
('2026-05-01', 17, 10, 0, 0, 1, 0);

INSERT INTO handle VALUES
(4, '2026-04-09 14:41:04.685564', 'kesesimi.bsky.social'),
(9, '2026-04-10 20:01:00.179405', 'pomohobe.bsky.social'),
(11, '2026-04-10 15:36:52.867945', 'dozekija.bsky.social'),
(28, '2026-04-10 18:04:28.592984', 'mavopuga.mirror.example.com'),
(32, '2026-04-09 14:04:50.706661', 'zusomapi.bsky.social');

INSERT INTO last_commit VALUES
('c1f3c618-2629-4ebf-bd95-d3f4ad4f5119');

INSERT INTO migration VALUES
(1, '001_events.sql', '2026-11-30 16:12:01.977232'),
(2, '002_spans.sql', '2026-11-30 16:12:01.977232'),
(3, '003_hydration.sql', '2026-11-30 16:12:01.977232'),
(4, '004_record_keys.sql', '2026-11-30 16:12:01.977232'),
(5, '005_rollups.sql', '2026-11-30 16:12:01.977232'),
(6, '006_synthetic.sql', '2026-11-30 16:12:01.977232'),
(7, '007_forgotten.sql', '2026-11-30 16:12:01.977232'),
(8, '008_trust.sql', '2026-11-30 16:12:01.977232'),
(9, '009_slices.sql', '2026-11-30 16:12:01.977232');

INSERT INTO plc VALUES
('did:plc:annaaaaaaaaaaaaaaaaaaaaa', '2026-05-01 00:00:00', 'ann.example.org', '2026-05-01 00:00:00', NULL, NULL);

INSERT INTO profile VALUES
(4, '3mj322zc7wniq', '2026-04-09 14:41:11.385564', false, NULL),
(9, '3mj64fyyqeg67', '2026-04-10 20:01:06.879405', false, NULL),
(11, '3mj5nnptnirki', '2026-04-10 15:36:59.567945', false, NULL),
(31, '3mj644vhhdx5v', NULL, false, NULL),
(34, '3mj5ld2o2gwti', NULL, false, NULL),
(41, '3mj5yndbyu5vv', NULL, false, NULL);

INSERT INTO record VALUES
('repost', 2, 1818314636002806045, 1818314636004427037, false, '2026-04-09 01:24:46.736432', 37, 1816580900484441664, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 15, 1818317126398522330, 1818317126400392154, false, '2026-04-09 02:05:18.763984', NULL, NULL, NULL, NULL, 'Por fin mañana sin café 🌊', NULL, NULL, 'server', NULL, false, 'es', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 29, 1818318111391048938, 1818318111392663786, false, '2026-04-09 02:21:20.698923', 44, 1816806089041907953, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 36, 1818320156861515416, 1818320156865500824, false, '2026-04-09 02:54:38.216921', NULL, NULL, NULL, NULL, '朝から雨が降ってきた🍜', NULL, NULL, 'server', NULL, false, 'ja', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 1, 1818346162777668831, 1818346162782269663, false, '2026-04-09 09:57:54.632905', NULL, NULL, NULL, NULL, 'Still thinking about sourdough that refuses to rise, no notes.', NULL, NULL, 'server', NULL, false, 'en', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 40, 1818346582013433213, 1818346582015565181, false, '2026-04-09 10:04:44.021625', 15, 1818317126398522330, 15, 1818317126398522330, 'mood 🌸', NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 19, 1818351567113644057, 1818351567117113369, false, '2026-04-09 11:25:52.294354', NULL, NULL, NULL, NULL, 'Hoy pensé en un libro pequeño 🌊', NULL, NULL, 'server', NULL, false, 'es', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 13, 1818363512859617047, 1818363512863030039, false, '2026-04-09 14:40:18.037219', NULL, NULL, NULL, NULL, 'Nobody warned me about soup, again 🌱✨', NULL, NULL, 'server', NULL, false, 'en', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 21, 1818365685971076811, 1818365685972767435, false, '2026-04-09 15:15:40.213015', 24, NULL, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 14, 1818366934854037004, 1818366934857350668, false, '2026-04-09 15:35:59.848931', 15, NULL, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 40, 1818370364317311357, 1818370364319443325, false, '2026-04-09 16:31:48.927756', 15, 1818317126398522330, 15, 1818317126398522330, '🎨 good morning 💀', NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 22, 1818379821639647090, 1818379821640575858, false, '2026-04-09 19:05:44.583557', NULL, NULL, NULL, NULL, 'good morning 💀', NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 26, 1818381221730445380, 1818381221733008452, false, '2026-04-09 19:28:31.862920', NULL, NULL, NULL, NULL, 'Three years of a library card from 1987!', NULL, NULL, 'server', NULL, false, 'en', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 3, 1818387655084369913, 1818387655086742521, false, '2026-04-09 21:13:14.451123', NULL, NULL, NULL, NULL, 'Three years of what Mythos Preview can do 🌱✨', NULL, NULL, 'server', NULL, false, 'en', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 38, 1818390460201282554, 1818390460205526010, false, '2026-04-09 21:58:53.822666', 40, 1818346582013433213, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 18, 1818395077235275035, 1818395077238130971, false, '2026-04-09 23:14:02.634023', 3, 1818387655084369913, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 41, 1818400263199704955, 1818400263202836347, false, '2026-04-10 00:38:27.069333', NULL, NULL, NULL, NULL, 'Por fin mañana sin café… #TradeWar', ['TradeWar'], NULL, 'server', NULL, false, 'es', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 25, 1818406941195051851, 1818406941198476107, false, '2026-04-10 02:27:08.541544', 43, NULL, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 23, 1818408823829071395, 1818408823829673507, false, '2026-04-10 02:57:47.037625', 44, NULL, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 8, 1818422363197628557, 1818422363199246477, false, '2026-04-10 06:38:09.099696', NULL, NULL, NULL, NULL, 'Just finished sourdough that refuses to rise… more tomorrow.', NULL, NULL, 'server', NULL, false, 'en', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 2, 1818428244599551261, 1818428244601172253, false, '2026-04-10 08:13:52.631691', 8, 1818422363197628557, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 2, 1818430475594282269, 1818430475595903261, false, '2026-04-10 08:50:11.337483', NULL, NULL, NULL, NULL, 'Que saudade de a chuva de manhã!', NULL, NULL, 'server', NULL, false, 'pt', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 30, 1818438827483698608, 1818438827486638512, false, '2026-04-10 11:06:07.494355', 13, NULL, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 27, 1818441325295528859, 1818441325300165531, false, '2026-04-10 11:46:46.783418', 2, 1818430475594282269, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 42, 1818450856971249015, 1818450856975867255, false, '2026-04-10 14:21:55.039973', NULL, NULL, NULL, NULL, 'Still thinking about the night train north!', NULL, NULL, 'server', NULL, false, 'en', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 6, 1818456231529240216, 1818456231531838104, false, '2026-04-10 15:49:23.615527', NULL, NULL, NULL, NULL, 'Que saudade de um café na esquina, né?', NULL, NULL, 'server', NULL, false, 'pt', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 2, 1818460472603237661, 1818460472604858653, false, '2026-04-10 16:58:25.291541', NULL, NULL, NULL, NULL, 'Que saudade de um café na esquina!', NULL, NULL, 'server', NULL, false, 'pt', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 40, 1818460938013982077, 1818460938016114045, false, '2026-04-10 17:05:59.803411', 39, NULL, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 33, 1818465668701910469, 1818465668703374789, false, '2026-04-10 18:22:59.602249', 35, NULL, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 20, 1818476650133785327, 1818476650136697583, false, '2026-04-10 21:21:43.663738', 8, 1818422363197628557, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 7, 1818478487538439471, 1818478487541256495, false, '2026-04-10 21:51:37.995843', NULL, NULL, NULL, NULL, 'Just finished soup, again… more tomorrow. #Fußball', ['Fußball'], NULL, 'server', NULL, false, 'en', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 41, 1818480936546932603, 1818480936550063995, false, '2026-04-10 22:31:29.634985', 33, NULL, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 2, 1818484111307203869, 1818484111308824861, false, '2026-04-10 23:23:09.963383', NULL, NULL, NULL, NULL, 'Que saudade de a chuva de manhã ☕', NULL, NULL, 'server', NULL, false, 'pt', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 44, 1818491733564861681, 1818491733567050993, false, '2026-04-11 01:27:13.575487', NULL, NULL, NULL, NULL, 'Finally some time for soup, again!', NULL, 'Review: "The Orchard"', 'server', NULL, false, 'en', NULL, NULL, NULL, NULL, ['example.com'], NULL, NULL),
('post', 33, 1818492275508719045, 1818492275510183365, false, '2026-04-11 01:36:02.812023', NULL, NULL, NULL, NULL, '🎨 ok', NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 10, -3, 1152921504606846977, false, '2026-05-01 00:00:01', NULL, NULL, NULL, NULL, 'Claude Mythos of ann', NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('post', 12, -4, 1152921504606846978, false, '2026-05-01 00:00:02', 10, -3, 10, -3, 'an answer', NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('repost', 16, -1, 1152921504606846979, false, '2026-05-01 00:00:03', 10, -3, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
('follow', 17, -2, 1152921504606846979, false, '2026-05-01 00:00:04', 10, NULL, NULL, NULL, NULL, NULL, NULL, 'server', NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO record_key VALUES
(-1, 'another.key'),
(-2, 'f'),
(-3, 'not-a-tid'),
(-4, 'x');

INSERT INTO rejected VALUES
('/events/before.jsonl', 'not JSON', 1);

INSERT INTO rejected_sample VALUES
('/events/before.jsonl', 'not JSON', 21617, '4 bytes, no JSON: letters');

INSERT INTO row_hash VALUES
(2603758985606180194);

INSERT INTO row_sum VALUES
('account', NULL, 44, 367775430457250572208),
('account_status', NULL, 4, 16668528173644531229),
('agent_day', NULL, 42, 402201383290803112771),
('closure', NULL, 0, 0),
('forgotten', NULL, 0, 0),
('forgotten_key', NULL, 0, 0),
('given_day', NULL, 1, 112980181681167394),
('hydration', NULL, 0, 0),
('imported_count', NULL, 0, 0),
('kept_from', NULL, 0, 0),
('network_count', NULL, 0, 0),
('pending', NULL, 0, 0),
('plc_handle', NULL, 0, 0),
('record_key', NULL, 4, 31279020542403469552),
('searched', NULL, 0, 0),
('source_account', NULL, 0, 0),
('topic_event', NULL, 6, 52794980804821617910),
('migration', NULL, 9, 72305466418061585872),
('plc', NULL, 1, 1620071891713547132),
('handle', NULL, 5, 56613745064555942057),
('profile', NULL, 6, 41008643906816023507),
('rejected', NULL, 1, 13281838144121051218),
('rejected_sample', NULL, 1, 509547458749231854),
('source', NULL, 2, 9116625733139427641),
('span', NULL, 1, 6542026477038424762),
('record', '2026-04-10', 17, 169334587228962065422),
('record', '2026-04-09', 16, 176352432300809418737),
('record', '2026-04-11', 2, 24202591002616850472),
('record', '2026-05-01', 4, 43106064188143418161),
('stored_day', NULL, 4, 44861589206886914156),
('topic', NULL, 5, 55631121636104359730),
('watched', NULL, 1, 3108673228245383059);

INSERT INTO source VALUES
('/events/plc.jsonl', 'plc', '189:1796055113385935923', 189, true, 1, 1, 0, '2026-05-01 00:00:00', '2026-05-01 00:00:00', false, NULL, 0, 0, 0, NULL, NULL, NULL),
('/events/before.jsonl', 'file', '21622:1796055113385904084', 21622, true, 56, 55, 0, '2026-04-09 01:24:46.736432', '2026-05-01 00:00:04', false, NULL, 0, 0, 0, NULL, NULL, NULL);

INSERT INTO span VALUES
('/events/before.jsonl', '2026-04-09 01:24:46.736432', '2026-05-01 00:00:04', '');

INSERT INTO stored_day VALUES
('2026-04-09', '2026-04-09 01:24:46.736432', '2026-04-09 23:14:02.634023', true, 16, 0),
('2026-04-10', '2026-04-10 00:38:27.069333', '2026-04-10 23:23:09.963383', true, 17, 0),
('2026-04-11', '2026-04-11 01:27:13.575487', '2026-04-11 01:36:02.812023', true, 2, 0),
('2026-05-01', '2026-05-01 00:00:01', '2026-05-01 00:00:04', true, 4, 0);

INSERT INTO topic VALUES
(1, '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:claude[\\s\\pZ]+mythos|anthropic[\\s\\pZ]+mythos|anthropic''s[\\s\\pZ]+mythos|anthropic’s[\\s\\pZ]+mythos|mythos[\\s\\pZ]+preview|mythos[\\s\\pZ]+model|mythos[\\s\\pZ]+ai|mythos[\\s\\pZ]+llm|mythos[\\s\\pZ]+benchmark|mythos[\\s\\pZ]+benchmarks|mythos[\\s\\pZ]+system[\\s\\pZ]+card)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|(?:^|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}])[#＃](?:claudemythos|anthropicmythos|mythosai|mythospreview)\\pP*(?:$|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}\\x{00AD}\\x{2060}\\x{200B}-\\x{200D}\\x{20E2}])", "(?i)claude[\\s\\pZ]+mythos|anthropic[\\s\\pZ]+mythos|anthropic''s[\\s\\pZ]+mythos|anthropic’s[\\s\\pZ]+mythos|mythos[\\s\\pZ]+preview|mythos[\\s\\pZ]+model|mythos[\\s\\pZ]+ai|mythos[\\s\\pZ]+llm|mythos[\\s\\pZ]+benchmark|mythos[\\s\\pZ]+benchmarks|mythos[\\s\\pZ]+system[\\s\\pZ]+card|claudemythos|anthropicmythos|mythosai|mythospreview", ["anthropic''smythos", "anthropicmythos", "anthropic’smythos", "claudemythos", "mythosai", "mythosbenchmark", "mythosbenchmarks", "mythosllm", "mythosmodel", "mythospreview", "mythossystemcard"], null]'),
(2, '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:trump[\\s\\pZ]+tariff|trump[\\s\\pZ]+tariffs|trump''s[\\s\\pZ]+tariff|trump''s[\\s\\pZ]+tariffs|trump’s[\\s\\pZ]+tariff|trump’s[\\s\\pZ]+tariffs|tariffs[\\s\\pZ]+on[\\s\\pZ]+china|tariffs[\\s\\pZ]+on[\\s\\pZ]+imports|tariff[\\s\\pZ]+war|tariff[\\s\\pZ]+refund|tariff[\\s\\pZ]+refunds|reciprocal[\\s\\pZ]+tariff|reciprocal[\\s\\pZ]+tariffs|trade[\\s\\pZ]+war|trump\\-zölle|trumps[\\s\\pZ]+zölle|tarifas[\\s\\pZ]+de[\\s\\pZ]+trump|aranceles[\\s\\pZ]+de[\\s\\pZ]+trump)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|(?:トランプ関税)|(?:^|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}])[#＃](?:trumptariff|trumptariffs|tariffs|tariffwar|tradewar)\\pP*(?:$|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}\\x{00AD}\\x{2060}\\x{200B}-\\x{200D}\\x{20E2}])", "(?i)trump[\\s\\pZ]+tariff|trump[\\s\\pZ]+tariffs|trump''s[\\s\\pZ]+tariff|trump''s[\\s\\pZ]+tariffs|trump’s[\\s\\pZ]+tariff|trump’s[\\s\\pZ]+tariffs|tariffs[\\s\\pZ]+on[\\s\\pZ]+china|tariffs[\\s\\pZ]+on[\\s\\pZ]+imports|tariff[\\s\\pZ]+war|tariff[\\s\\pZ]+refund|tariff[\\s\\pZ]+refunds|reciprocal[\\s\\pZ]+tariff|reciprocal[\\s\\pZ]+tariffs|trade[\\s\\pZ]+war|trump\\-zölle|trumps[\\s\\pZ]+zölle|tarifas[\\s\\pZ]+de[\\s\\pZ]+trump|aranceles[\\s\\pZ]+de[\\s\\pZ]+trump|トランプ関税|trumptariff|trumptariffs|tariffs|tariffwar|tradewar", ["arancelesdetrump", "reciprocaltariff", "reciprocaltariffs", "tarifasdetrump", "tariffrefund", "tariffrefunds", "tariffs", "tariffsonchina", "tariffsonimports", "tariffwar", "tradewar", "trump''stariff", "trump''stariffs", "trump-zölle", "trumpszölle", "trumptariff", "trumptariffs", "trump’stariff", "trump’stariffs", "トランプ関税"], null]'),
(3, '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:the[\\s\\pZ]+masters|masters[\\s\\pZ]+tournament|masters[\\s\\pZ]+sunday|masters[\\s\\pZ]+leaderboard|augusta[\\s\\pZ]+national|green[\\s\\pZ]+jacket|amen[\\s\\pZ]+corner)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|(?:^|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}])[#＃](?:themasters|masters2026|mastersgolf|augustanational)\\pP*(?:$|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}\\x{00AD}\\x{2060}\\x{200B}-\\x{200D}\\x{20E2}])", "(?i)the[\\s\\pZ]+masters|masters[\\s\\pZ]+tournament|masters[\\s\\pZ]+sunday|masters[\\s\\pZ]+leaderboard|augusta[\\s\\pZ]+national|green[\\s\\pZ]+jacket|amen[\\s\\pZ]+corner|themasters|masters2026|mastersgolf|augustanational", ["amencorner", "augustanational", "greenjacket", "masters2026", "mastersgolf", "mastersleaderboard", "masterssunday", "masterstournament", "themasters"], null]'),
(4, '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:earth[\\s\\pZ]+day|climate[\\s\\pZ]+change|climate[\\s\\pZ]+crisis|climate[\\s\\pZ]+action|climate[\\s\\pZ]+emergency|climate[\\s\\pZ]+justice|climate[\\s\\pZ]+policy|global[\\s\\pZ]+warming|klimawandel|klimakrise|klimaschutz|dia[\\s\\pZ]+da[\\s\\pZ]+terra|mudança[\\s\\pZ]+climática|mudanças[\\s\\pZ]+climáticas|crise[\\s\\pZ]+climática|cambio[\\s\\pZ]+climático)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|(?:アースデイ|気候変動)|(?:^|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}])[#＃](?:earthday|earthday2026|climatechange|climatecrisis|climateaction|climateemergency|climatejustice|klimakrise|klimawandel)\\pP*(?:$|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}\\x{00AD}\\x{2060}\\x{200B}-\\x{200D}\\x{20E2}])", "(?i)earth[\\s\\pZ]+day|climate[\\s\\pZ]+change|climate[\\s\\pZ]+crisis|climate[\\s\\pZ]+action|climate[\\s\\pZ]+emergency|climate[\\s\\pZ]+justice|climate[\\s\\pZ]+policy|global[\\s\\pZ]+warming|klimawandel|klimakrise|klimaschutz|dia[\\s\\pZ]+da[\\s\\pZ]+terra|mudança[\\s\\pZ]+climática|mudanças[\\s\\pZ]+climáticas|crise[\\s\\pZ]+climática|cambio[\\s\\pZ]+climático|アースデイ|気候変動|earthday|earthday2026|climatechange|climatecrisis|climateaction|climateemergency|climatejustice|klimakrise|klimawandel", ["cambioclimático", "climateaction", "climatechange", "climatecrisis", "climateemergency", "climatejustice", "climatepolicy", "criseclimática", "diadaterra", "earthday", "earthday2026", "globalwarming", "klimakrise", "klimaschutz", "klimawandel", "mudançaclimática", "mudançasclimáticas", "アースデイ", "気候変動"], null]'),
(5, '["(?i)(?:^|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿]|[\\x{FE00}-\\x{FE0F}\\x{20E3}])(?:wrestlemania|wrestle[\\s\\pZ]+mania|wrestlemania[\\s\\pZ]+42|wm42)(?:$|[^\\pL\\pM\\pN_]|[฀-໿က-႟ក-៿぀-ヿ㐀-䶿一-鿿가-힯豈-﫿𠀀-𿿿])|(?:^|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}])[#＃](?:wrestlemania|wrestlemania42|wrestlemaniaxlii|wm42)\\pP*(?:$|[\\t\\n\\x{000B}\\f\\r\\pZ\\x{FEFF}\\x{00AD}\\x{2060}\\x{200B}-\\x{200D}\\x{20E2}])", "(?i)wrestlemania|wrestle[\\s\\pZ]+mania|wrestlemania[\\s\\pZ]+42|wm42|wrestlemania|wrestlemania42|wrestlemaniaxlii|wm42", ["wm42", "wrestlemania", "wrestlemania42", "wrestlemaniaxlii"], null]');

INSERT INTO topic_event VALUES
(1, true, 'post', '2026-04-09 21:13:14.451123', 3, 1818387655084369913, NULL, NULL, NULL, NULL, NULL, NULL),
(1, false, 'repost', '2026-04-09 23:14:02.634023', 18, 1818395077235275035, 3, 1818387655084369913, NULL, NULL, NULL, NULL),
(1, true, 'post', '2026-05-01 00:00:01', 10, -3, NULL, NULL, NULL, NULL, NULL, NULL),
(1, false, 'post', '2026-05-01 00:00:02', 12, -4, 10, -3, 10, -3, NULL, NULL),
(1, false, 'repost', '2026-05-01 00:00:03', 16, -1, 10, -3, NULL, NULL, NULL, NULL),
(2, true, 'post', '2026-04-10 00:38:27.069333', 41, 1818400263199704955, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO watched VALUES
(17);
