// The phone's page of a lecture. It waits for news while somebody looks at it, shows what the server
// says, and keeps sending an answer until the server has stored or refused it.
"use strict";
const { texts, lang } = JSON.parse(document.getElementById("texts").textContent);
const at = (id) => document.getElementById(id);
const WAIT = 20000; // the server answers sooner, with news or without
const AGAIN = 1000;

// Local storage may be forbidden: then the phone has its name and its answer until it is reloaded.
const memory = {};
function recall(name) {
  try { return localStorage.getItem(name) ?? memory[name] ?? null; } catch { return memory[name] ?? null; }
}
function keep(name, value) {
  memory[name] = value;
  try { localStorage.setItem(name, value); } catch { /* as said above */ }
}

function nameOfDevice() {
  let name = recall("mixscope_device");
  if (!name) {
    name = Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) => one.toString(16).padStart(2, "0")).join("");
    keep("mixscope_device", name);
  }
  return name;
}

const device = nameOfDevice();
let state = { on: false, version: "" };
let pending = JSON.parse(recall("mixscope_pending") || "null"); // {question, answer}: on its way
let refusal = null; // {question, why}: what became of the last answer
let waiting = null; // the request that is open

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const seen = () => new Promise((done) => {
  if (!document.hidden) return done();
  document.addEventListener("visibilitychange", function again() {
    if (document.hidden) return;
    document.removeEventListener("visibilitychange", again);
    done();
  });
});

async function ask(path, options = {}) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), WAIT);
  if (!options.method) waiting = stop;
  try {
    return await fetch(path, { cache: "no-store", ...options, signal: stop.signal });
  } finally {
    clearTimeout(timer);
    if (waiting === stop) waiting = null;
  }
}

async function follow() {
  for (;;) {
    await seen();
    try {
      const reply = await ask(`room/state?lang=${lang}&after=${state.version}`, { headers: { "Mixscope-Device": device } });
      if (reply.status === 200) {
        state = await reply.json();
        draw();
      } else if (reply.status !== 204) throw new Error(String(reply.status));
      connected(true);
      send();
    } catch {
      if (document.hidden) continue; // given up on purpose: nobody looks
      connected(false);
      await sleep(AGAIN * (1 + Math.random() / 2));
      state.version = "";
    }
  }
}

function connected(is) {
  at("link").hidden = is;
  if (!is) at("link").textContent = navigator.onLine ? texts.lost_server : texts.lost_own;
}

document.addEventListener("visibilitychange", () => { if (document.hidden) waiting?.abort(); });
for (const change of ["online", "offline"]) addEventListener(change, () => waiting?.abort());

// ------------------------------------------------------------ an answer

let sending = false;
function answer(value) {
  if (state.question?.phase !== "open") return;
  pending = { question: state.question.id, answer: value };
  keep("mixscope_pending", JSON.stringify(pending));
  refusal = null;
  draw();
  send();
}

async function send() {
  if (sending || !pending) return;
  sending = true;
  const sent = pending;
  let over = false;
  try {
    const reply = await ask("room/vote", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ device, ...sent }),
    });
    const said = await reply.json();
    over = reply.status < 500;
    if (over && !reply.ok) refusal = { question: sent.question, why: said.refused };
    if (reply.ok && state.question?.id === sent.question) state.mine = said.mine;
  } catch { /* not there: once more when the server is back */ }
  sending = false;
  if (over && pending === sent) {
    pending = null;
    keep("mixscope_pending", "null");
  }
  draw();
  if (over && pending) send();
}

// ------------------------------------------------------------ what is shown

function put(id, text) {
  const node = at(id);
  if (node.textContent !== text) node.textContent = text;
}

function draw() {
  document.body.classList.toggle("dark", Boolean(state.black));
  put("number", state.number ? `${state.number} / ${state.count}` : "");
  put("title", state.step ? state.title : state.on ? texts.wait : texts.none);
  put("words", state.step ? state.words : state.on ? "" : texts.none_how);
  const query = new URLSearchParams({ lang, ...(state.step ? { lecture: state.path, step: state.step } : {}) });
  at("free").href = `${state.step ? "lecture" : "./"}?${query}`;
  put("free", state.step ? texts.free : texts.app);
  const question = state.step ? state.question : null;
  const own = pending && pending.question === question?.id ? pending.answer : state.mine ?? null;
  drawQuestion(question, own);
  drawPicture(question, own);
  drawAnswer(question);
}

function drawQuestion(question, own) {
  at("question").hidden = !question;
  if (!question) return;
  const open = question.phase === "open";
  put("asked", question.text);
  const options = at("options");
  const shown = question.kind === "models" ? question.options : [];
  if (options.dataset.of !== question.id) {
    options.dataset.of = question.id;
    options.replaceChildren(...shown.map(([key, words]) => {
      const button = document.createElement("button");
      button.textContent = words;
      button.dataset.key = key;
      button.onclick = () => answer(key);
      return button;
    }));
    at("number_field").value = typeof own === "number" ? own : "";
  }
  for (const button of options.children) {
    button.setAttribute("aria-pressed", String(button.dataset.key === own));
    button.disabled = !open;
    button.classList.toggle("right", Boolean(question.answer?.options.includes(button.dataset.key)));
  }
  at("number_form").hidden = question.kind !== "number";
  const field = at("number_field");
  [field.min, field.max] = question.limits;
  field.disabled = at("number_form").querySelector("button").disabled = !open;
  put("unit", question.unit);
  const refused = refusal?.question === question.id ? texts.refused[refusal.why] ?? texts.refused.form : "";
  const about = own === null ? texts[`how_${question.kind}`] : pending ? texts.sending : texts.stored;
  at("said").classList.toggle("bad", Boolean(refused));
  put("said", refused || (open ? about : own === null ? texts.closed_none : texts.closed));
}

at("number_form").querySelector("button").textContent = texts.send;
at("number_form").onsubmit = (event) => {
  event.preventDefault();
  const value = at("number_field").valueAsNumber;
  if (Number.isFinite(value)) answer(value);
};

// ------------------------------------------------------------ the picture, and a place on it

const figure = at("picture");
const image = figure.querySelector("img");
image.onload = () => { figure.hidden = false; draw(); };
image.onerror = () => { figure.hidden = true; image.dataset.of = ""; };
let own = null; // the place that the keys move

function drawPicture(question, mine) {
  const name = state.step ? state.picture : "";
  if (!name) figure.hidden = true;
  if (image.dataset.of !== name) {
    image.dataset.of = name;
    if (name) image.src = `room/picture/${name}.jpg`;
  }
  const asks = question?.kind === "place" && question.phase === "open";
  figure.classList.toggle("asks", asks);
  figure.tabIndex = asks ? 0 : -1;
  image.alt = question?.kind === "place" ? question.text : texts.picture;
  const marks = [];
  if (question?.mark) marks.push(cross(question.mark));
  if (question?.target) marks.push(dot(question.target, 40, "none", 1));
  if (question?.kind === "place") {
    own = Array.isArray(mine) ? mine : null;
    for (const place of question.tally?.places ?? []) marks.push(dot(place, 14, "#ffb000", 0.55));
    const box = question.answer?.box;
    if (box) marks.push(mark("rect", { x: box[0], y: box[1], width: box[2] - box[0], height: box[3] - box[1], fill: "none", stroke: "#fff", "stroke-width": 5 }));
    if (own) marks.push(dot(own, 26, "none", 1));
  }
  figure.querySelector("svg").replaceChildren(...marks.flat());
}

function mark(kind, values) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries({ "vector-effect": "non-scaling-stroke", ...values })) node.setAttribute(name, value);
  return node;
}

// Round on the picture, whatever its shape: the drawing is stretched with it.
function dot([x, y], size, fill, opacity) {
  const wide = figure.clientWidth || 1;
  const high = figure.clientHeight || wide;
  const at = { cx: x, cy: y, rx: (size * 360) / wide, ry: (size * 360) / high, "fill-opacity": opacity, fill };
  return [mark("ellipse", { ...at, stroke: "#000", "stroke-width": 5 }), mark("ellipse", { ...at, stroke: "#fff", "stroke-width": 2 })];
}

// The place that a question is about: a cross, as on the lecturer's picture.
function cross([x, y]) {
  const wide = 18000 / (figure.clientWidth || 360);
  const high = 18000 / (figure.clientHeight || 360);
  const d = `M${x - wide} ${y}H${x + wide}M${x} ${y - high}V${y + high}`;
  return [mark("path", { d, stroke: "#000", "stroke-width": 7 }), mark("path", { d, stroke: "#ff00c8", "stroke-width": 4 })];
}

figure.onclick = (event) => {
  if (!figure.classList.contains("asks")) return;
  const box = image.getBoundingClientRect();
  const part = (value, low, size) => Math.round(1000 * Math.min(1, Math.max(0, (value - low) / size)));
  answer([part(event.clientX, box.left, box.width), part(event.clientY, box.top, box.height)]);
};
const MOVES = { ArrowLeft: [-50, 0], ArrowRight: [50, 0], ArrowUp: [0, -50], ArrowDown: [0, 50] };
figure.onkeydown = (event) => {
  const move = MOVES[event.key];
  if (!move || !figure.classList.contains("asks")) return;
  event.preventDefault();
  const from = own ?? [500, 500];
  answer([0, 1].map((axis) => Math.min(1000, Math.max(0, from[axis] + move[axis]))));
};

// ------------------------------------------------------------ what was measured

function drawAnswer(question) {
  const found = question?.answer;
  at("answer").hidden = !found;
  if (!found) return;
  at("answer").querySelector("h2").textContent = texts.answer;
  at("answer").querySelector("p").textContent = found.text;
  const { tally } = question;
  let lines = [];
  if (question.kind === "models") lines = question.options.map(([key, words]) => [words, tally.options[key] ?? 0, found.options.includes(key)]);
  if (question.kind === "number") {
    lines = tally.bars.map((votes, place) => {
      const [low, high] = [tally.edges[place], tally.edges[place + 1]];
      const last = place === tally.bars.length - 1;
      const is = found.number !== null && found.number >= low && (found.number < high || (last && found.number === high));
      const upper = tally.whole ? Math.min(high - 1, question.limits[1]) : high;
      return [upper === low ? `${low}` : `${+low.toFixed(2)} – ${+upper.toFixed(2)}`, votes, is];
    });
  }
  const most = Math.max(1, ...lines.map(([, votes]) => votes));
  at("bars").replaceChildren(...lines.map(([words, votes, right]) => {
    const line = document.createElement("div");
    line.className = right ? "bar right" : "bar";
    const [name, bar, count] = ["span", "i", "b"].map((kind) => line.appendChild(document.createElement(kind)));
    name.textContent = words;
    bar.style.width = `${(100 * votes) / most}%`;
    count.textContent = votes;
    return line;
  }));
}

// ------------------------------------------------------------ begin

at("languages").append(...Object.entries(texts.languages).filter(([code]) => code !== lang).map(([code, name]) => {
  const link = document.createElement("a");
  link.href = `?lang=${code}`;
  link.lang = code;
  link.textContent = name;
  return link;
}));
draw();
follow();
