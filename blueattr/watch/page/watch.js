// Shows the pictures of a watch as they come. All texts are set as text: nothing is read as HTML.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const SILENCE = 30000; // without a word for so long, the connection is taken for dead
const LONGEST_WAIT = 15000;
const GROUP_COLOURS = 8;
const TIER_COLOURS = 4;

const byId = id => document.getElementById(id);
const put = (id, text) => {
  const element = byId(id);
  if (element.textContent !== text) element.textContent = text;
};
const made = (name, text, classes) => {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  if (classes) element.className = classes;
  return element;
};
const drawn = (name, attributes) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

// Parts of 1; a negative share is drawn as none.
const whole = shares => {
  const parts = shares.map(share => Math.max(share, 0));
  const total = parts.reduce((sum, part) => sum + part, 0);
  return total > 0 ? parts.map(part => part / total) : null;
};

function bands(svg, ends, rows, kind, colours, marks) {
  const width = 1000, height = svg.viewBox.baseVal.height;
  const keep = svg.querySelector("title");
  const first = ends[0], span = ends[ends.length - 1] - first || 1;
  const shown = rows.map(whole);
  const paths = [];
  const parts = Math.max(...rows.map(row => row.length), 0);
  for (let part = 0; part < parts; part++) {
    let path = "", run = [];
    const close = () => {
      if (run.length) {
        if (run.length === 1) run.push([run[0][0] + 1, run[0][1], run[0][2]]);
        const over = run.map(([x, top]) => `${x.toFixed(1)} ${top.toFixed(1)}`);
        const under = run.reverse().map(([x, , bottom]) => `${x.toFixed(1)} ${bottom.toFixed(1)}`);
        path += `M${over.join("L")}L${under.join("L")}Z`;
      }
      run = [];
    };
    shown.forEach((row, k) => {
      if (row === null || part >= row.length) return close();
      const top = row.slice(0, part).reduce((sum, one) => sum + one, 0);
      const x = ends.length === 1 ? 0 : (ends[k] - first) / span * width;
      run.push([x, top * height, (top + row[part]) * height]);
      if (ends.length === 1) run.push([width, top * height, (top + row[part]) * height]);
    });
    close();
    if (path) paths.push(drawn("path", { d: path, class: kind + part % colours }));
  }
  for (const mark of marks) {
    const x = (mark.at - first) / span * width;
    if (x > 0 && x < width) paths.push(drawn("line", { x1: x, x2: x, y1: 0, y2: height, class: "change" }));
  }
  svg.replaceChildren(keep, ...paths);
}

function bar(id, shares, label) {
  const svg = byId(id), parts = whole(shares) || [];
  let x = 0;
  svg.replaceChildren(...parts.map((part, k) => {
    const rect = drawn("rect", { x: x * 1000, y: 0, width: part * 1000, height: 40, class: "part" + k % TIER_COLOURS });
    x += part;
    return rect;
  }));
  svg.setAttribute("aria-label", label);
}

function spark(id, values, label) {
  const most = Math.max(...values, 1), step = 1000 / values.length;
  byId(id).replaceChildren(...values.map((value, k) => drawn("rect", {
    x: k * step, width: step * 0.85, y: 60 - 60 * value / most, height: 60 * value / most })));
  byId(id).setAttribute("aria-label", label);
}

function legend(id, parts, kind, colours) {
  byId(id).replaceChildren(...parts.map((part, k) => {
    const item = made("li"), mark = drawn("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" });
    mark.append(drawn("rect", { width: 1, height: 1, class: kind + k % colours }));
    item.append(mark, made("span", part.name), made("b", part.said));
    return item;
  }));
}

const kinds = (data, k) => data.numbers[k] ? "number" : ["time", "account"].includes(data.heads[k]) ? data.heads[k] : "";

// Rows are changed and not made anew, so that what is selected or in focus stays so.
function table(id, data) {
  const element = byId(id), head = element.tHead, body = element.tBodies[0];
  const heads = data.heads.join("\n");
  if (head.dataset.heads !== heads) {
    head.dataset.heads = heads;
    const row = made("tr");
    data.heads.forEach((text, k) => {
      const cell = made("th", text, kinds(data, k));
      cell.scope = "col";
      row.append(cell);
    });
    head.replaceChildren(row);
    body.replaceChildren();
  }
  const rows = data.rows.length ? data.rows : [[data.empty]];
  if (body.dataset.empty !== String(!data.rows.length)) body.replaceChildren();
  body.dataset.empty = String(!data.rows.length);
  while (body.rows.length > rows.length) body.rows[rows.length].remove();
  rows.forEach((texts, k) => {
    let row = body.rows[k];
    if (!row) {
      row = made("tr");
      texts.forEach((_, j) => row.append(made("td", "", data.rows.length ? kinds(data, j) : "")));
      if (!data.rows.length) row.cells[0].colSpan = data.heads.length;
      body.append(row);
    }
    texts.forEach((text, j) => {
      const cell = row.cells[j], link = j === texts.length - 1 && data.links ? data.links[k] : null;
      if (cell.textContent === text && (cell.dataset.link || null) === link) return;
      if (!link) {
        delete cell.dataset.link;
        cell.textContent = text;
        return;
      }
      cell.dataset.link = link;
      const anchor = made("a", text);
      anchor.href = link;
      anchor.rel = "noreferrer noopener";
      cell.replaceChildren(anchor);
    });
  });
}

let newest = null, held = false, announced = null, state = "waiting";

function show(picture) {
  put("question", picture.question);
  document.title = picture.question + " - blueattr watch";
  put("answer", picture.answer);
  put("watched", picture.watched.join(" \u00b7 "));
  put("time", picture.time);
  byId("time").dateTime = new Date(picture.end).toISOString();
  put("state", picture.state.join(" \u00b7 "));
  const said = picture.tiers.map(tier => `${tier.name} ${tier.said}`).join(", ");
  const past = picture.history;
  put("bands-title", said ? `Shares over time, at last: ${said}` : "No shares yet");
  if (past.ends.length) {
    bands(byId("bands"), past.ends, past.tiers, "part", TIER_COLOURS, picture.marks);
    put("from", past.clocks[0]);
    put("until", past.clocks[1]);
  } else byId("bands").replaceChildren(byId("bands-title"));
  put("bands-caption", "Share of each tier of accounts" + (past.span ? " in " + past.span : "") + ", the most followed on top; UTC."
      + (picture.marks.length ? " Dashed lines are changes." : ""));
  legend("legend", picture.tiers, "part", TIER_COLOURS);
  const grouped = picture.groups.length > 0;
  byId("groups-figure").hidden = byId("group-legend").hidden = !grouped;
  if (grouped && past.ends.length) {
    put("group-bands-title", "Shares over time, at last: " + picture.groups.map(one => `${one.name} ${one.said}`).join(", "));
    bands(byId("group-bands"), past.ends, past.groups, "group", GROUP_COLOURS, []);
    legend("group-legend", picture.groups, "group", GROUP_COLOURS);
  }
  const percents = shares => shares.map(share => (100 * share).toFixed(1)).join(" / ") + " %";
  const sample = picture.sample;
  put("full-label", sample ? `everybody at ${sample.time}` : "");
  put("full-said", sample ? percents(sample.full) : "");
  put("sample-label", sample ? sample.size : "");
  put("sample-said", sample ? percents(sample.tiers) : "");
  put("sampled", picture.sampled);
  for (const [id, shares] of [["full-bar", sample && sample.full], ["sample-bar", sample && sample.tiers]]) {
    byId(id).toggleAttribute("hidden", !sample);
    if (sample) bar(id, shares, picture.tiers.map((tier, k) => `${tier.name} ${(100 * shares[k]).toFixed(1)} %`).join(", "));
  }
  const series = picture.series;
  put("participants", series ? series.now[0] : "-");
  put("posts-number", series ? series.now[1] : "-");
  byId("participants-line").toggleAttribute("hidden", !series);
  byId("posts-line").toggleAttribute("hidden", !series);
  if (series) {
    spark("participants-line", series.participants, `participants a minute in ${series.minutes} minutes, ${series.most[0]} at most`);
    spark("posts-line", series.posts, `posts a minute in ${series.minutes} minutes, ${series.most[1]} at most`);
  }
  put("involved", picture.involved);
  for (const name of ["accounts", "rising", "posts", "groups"]) table(name, picture.tables[name]);
  const list = byId("changes"), lines = picture.changes.join("\n");
  if (list.dataset.lines !== lines) {
    list.dataset.lines = lines;
    list.replaceChildren(...picture.changes.map(text => made("li", text)));
  }
  // Heard are changes alone, not each second.
  const latest = picture.marks.length ? picture.marks[0].said : "";
  if (announced !== null && latest && latest !== announced) put("news", "Change: " + latest);
  announced = latest;
}

const going = () => newest.link + (held ? ", held" : "");

function link(to, text) {
  const element = byId("link");
  put("link", text);
  if (element.dataset.state === to) return;
  element.dataset.state = to;
  if (to === "lost" || (to === "live" && state === "lost")) put("news", to === "lost" ? text : "connected again");
  state = to;
}

let source = null, heard = Date.now(), wait = 1000, timer = null;

function connect() {
  timer = null;
  heard = Date.now();
  source = new EventSource("/events");
  const word = () => { heard = Date.now(); wait = 1000; };
  source.onopen = word;
  source.addEventListener("hello", event => {
    word();
    const root = document.documentElement;
    // A server with another page: load it, once.
    if (root.dataset.version && root.dataset.version !== event.data) location.reload();
    root.dataset.version = event.data;
  });
  source.addEventListener("picture", event => {
    word();
    newest = JSON.parse(event.data);
    link("live", going());
    if (!held) show(newest);
  });
  source.addEventListener("beat", word);
  source.addEventListener("over", () => { word(); link("over", "the events are over"); });
  source.onerror = again;
}

function again() {
  if (source) source.close();
  source = null;
  link("lost", "connection lost; trying again");
  if (timer === null) timer = setTimeout(knock, wait);
  wait = Math.min(wait * 1.7, LONGEST_WAIT);
}

// A server that started again may ask for the token.
async function knock() {
  try {
    const answer = await fetch("/session", { cache: "no-store" });
    if (answer.status === 401) return location.reload();
    if (answer.ok) return connect();
  } catch { /* it is not there yet */ }
  timer = null;
  again();
}

setInterval(() => { if (source && Date.now() - heard > SILENCE) again(); }, 5000);

byId("hold").addEventListener("click", () => {
  held = !held;
  byId("hold").setAttribute("aria-pressed", String(held));
  if (newest) link(state === "lost" ? "lost" : state, state === "live" ? going() : byId("link").textContent);
  if (!held && newest) show(newest);
});

connect();
