// The overview: what each model is made of, drawn from data, from the whole down to one block.
//
// Plain JavaScript without a framework: `new Overview(root)`, then `show(...)`, `choose(...)`,
// `map(...)`. assets/components/overview.html shows it from a folder, with stage.js before it (its
// Field is what a block's small map is read from). The data are vislib/models/diagram.py's; no
// diagram is drawn by hand. A scene is one SVG: all models, one model, or one block. All points
// are whole thousandths of the upright picture.

const OVERVIEW_SVG = "http://www.w3.org/2000/svg";
const OVERVIEW_MS = 320;
const SMALL = 16;
const LARGE = 20;
const PAD = 14;

const squares = (list, size, more = "") =>
  list.map(([x, y]) => `<rect x="${x}" y="${y}" width="${size}" height="${size}" ${more}/>`).join("");
const strokes = (list, more = "") =>
  `<path d="${list.map(([a, b, c, d]) => `M${a} ${b}L${c} ${d}`).join("")}" ${more}/>`;
const product = (one, two) => one.flatMap((a) => two.map((b) => [a, b]));
const THIN = 'fill="none" stroke="currentColor" stroke-width="1.2"';
const THICK = 'fill="none" stroke="currentColor" stroke-width="2.6"';
const FULL = 'fill="currentColor"';
const PALE = 'fill="currentColor" fill-opacity="0.3"';

function windows(shift) {
  const cells = product([4, 12, 20, 28], [4, 12, 20, 28]);
  const lines = [4 + shift, 20 + shift, 36].flatMap((at) => [[at, 4, at, 36], [4, at, 36, at]]);
  const own = product([4 + shift, 12 + shift], [4 + shift, 12 + shift]);
  const others = own.slice(1).map(([x, y]) => [own[0][0] + 4, own[0][1] + 4, x + 4, y + 4]);
  return squares(own, 8, PALE) + squares(cells, 8, THIN) + strokes([...lines, [4, 4, 4, 36], [4, 4, 36, 4]], THICK) + strokes(others, THICK);
}

// One picture a kind of mixing, 40 x 40.
const GLYPHS = {
  token_mixing: () => {
    const rows = [5, 15, 25, 35];
    const ends = product([6, 34], rows).map(([x, y]) => [x - 3.5, y - 3.5]);
    return strokes(product(rows, rows).map(([a, b]) => [6, a, 34, b]), THIN) + squares(ends, 7, FULL);
  },
  depthwise: () => {
    const cells = product([3, 13, 23], [7, 17, 27]);
    return `<path d="M8 3H37V32" ${THIN}/>` + squares(cells, 10, THIN) + squares([[13, 17]], 10, FULL);
  },
  convolution: () => {
    const cells = product([3, 13, 23], [7, 17, 27]);
    return `<path d="M8 3H37V32" ${THICK}/>` + squares(cells, 10, FULL) + squares(cells, 10, 'fill="none" stroke="var(--ground)" stroke-width="1.5"');
  },
  window_attention: () => windows(0),
  shifted_window: () => windows(8),
  channel_attention: () => {
    const bars = [4, 10, 16, 24, 30, 36].map((x) => `<rect x="${x - 2}" y="16" width="4" height="20" ${FULL}/>`);
    const arcs = [[4, 10], [10, 16], [4, 16], [24, 30], [30, 36], [24, 36]].map(
      ([a, b]) => `<path d="M${a} 14Q${(a + b) / 2} ${14 - (b - a)} ${b} 14" ${THIN}/>`,
    );
    return bars.join("") + arcs.join("");
  },
  global_attention: () => {
    const dots = product([6, 15.3, 24.6, 34], [6, 15.3, 24.6, 34]);
    const rays = dots.map(([x, y]) => [15.3, 15.3, x, y]);
    const others = dots.map(([x, y]) => [x - 2.5, y - 2.5]);
    return strokes(rays, THIN) + squares(others, 5, FULL) + squares([[10.8, 10.8]], 9, FULL);
  },
  channel_mixing: () => {
    const slabs = [4, 13, 22, 31].map((y) => `<rect x="5" y="${y}" width="20" height="6" ${PALE}/>`);
    return `${slabs.join("")}<path d="M33 5V36M29 10L33 4L37 10M29 31L33 37L37 31" ${THICK}/>`;
  },
  unknown: () => `<rect x="6" y="6" width="28" height="28" ${THIN}/>`,
};

function overviewNode(name, attributes, parent, text) {
  const node = document.createElementNS(OVERVIEW_SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return parent ? parent.appendChild(node) : node;
}

const overviewPen = document.createElement("canvas").getContext("2d");
function textWidth(text, size, weight = 400) {
  if (!overviewPen) return text.length * size * 0.55;
  overviewPen.font = `${weight} ${size}px system-ui, sans-serif`;
  return overviewPen.measureText(text).width;
}

// Words in lines of a width; what does not fit into `most` lines ends with dots.
function inLines(text, width, size, most = 9) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (textWidth(longer, size) <= width || !lines.at(-1)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const kept = lines.slice(0, most);
  if (lines.length > most) kept[most - 1] += " …";
  return kept.map((line) => cutTo(line, width, size));
}

function cutTo(text, width, size, weight) {
  let short = text;
  while (short.length > 1 && textWidth(short, size, weight) > width) short = `${short.slice(0, -2).trimEnd()}…`;
  return short;
}

function inShort(count) {
  const [unit, name] = [[1e9, "\u00a0G"], [1e6, "\u00a0M"], [1e3, "\u00a0k"]].find(([size]) => count >= size) ?? [1, ""];
  return unit === 1 ? `${count}` : `${Number((count / unit).toPrecision(3))}${name}`;
}

const size = (list) => list.join("\u00a0×\u00a0");

// One SVG with what can be clicked on it, and where that lies.
class Scene {
  constructor(overview, width) {
    this.overview = overview;
    this.width = width;
    this.height = 0;
    this.spots = new Map();
    this.node = stageNode("div", "scene");
    this.svg = overviewNode("svg", { role: "group" }, this.node);
  }

  close(label, height) {
    this.height = Math.ceil(height);
    for (const [name, value] of Object.entries({ width: this.width, height: this.height })) this.svg.setAttribute(name, value);
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.setAttribute("aria-label", label);
    return this;
  }

  text(x, y, words, { parent = this.svg, name = "", ...more } = {}) {
    return overviewNode("text", { x, y, class: `t ${name}`, ...more }, parent, words);
  }

  lines(x, y, list, more) {
    list.forEach((line, i) => this.text(x, y + 22 * i, line, more));
    return y + 22 * list.length;
  }

  box(x, y, width, height, name, parent = this.svg) {
    return overviewNode("rect", { x, y, width, height, rx: 6, class: name }, parent);
  }

  // What can be pressed: by pointer, Enter and Space.
  button(spot, area, label, act, parent = this.svg) {
    const group = overviewNode("g", { class: "press", role: "button", tabindex: 0, "aria-label": label }, parent);
    this.spots.set(spot, area);
    this.box(area.x, area.y, area.width, area.height, "ground", group);
    group.addEventListener("click", act);
    group.press = act;
    return group;
  }

  glyph(kind, x, y, side, colour, parent = this.svg) {
    const group = overviewNode("g", { transform: `translate(${x} ${y}) scale(${side / 40})`, class: "glyph" }, parent);
    group.style.color = kind === "channel_mixing" ? "var(--quiet)" : colour;
    group.innerHTML = (GLYPHS[kind] ?? GLYPHS.unknown)();
    return group;
  }

  // The visitor's picture as a model sees it, with its patches and the pinned place.
  picture(model, x, y, side, parent = this.svg) {
    const { box, grid } = model;
    const { address, texts, point } = this.overview;
    const [wide, high] = [side, side];
    const view = box ?? { left: 0, top: 0, width: 1000, height: 1000 };
    const inner = overviewNode("svg", {
      x, y, width: wide, height: high, preserveAspectRatio: "none",
      viewBox: `${view.left} ${view.top} ${view.width} ${view.height}`,
    }, parent);
    overviewNode("image", { href: address, width: 1000, height: 1000, preserveAspectRatio: "none" }, inner);
    overviewNode("title", {}, inner, texts.picture);
    const fine = Math.max(1, Math.ceil(grid.rows / 28));
    let path = "";
    for (let i = fine; i < grid.rows; i += fine) path += `M${x} ${y + (i * high) / grid.rows}h${wide}`;
    for (let i = fine; i < grid.columns; i += fine) path += `M${x + (i * wide) / grid.columns} ${y}v${high}`;
    overviewNode("path", { d: path, class: "grid" }, parent);
    const cell = box && stageCell(box, grid.rows, grid.columns, point);
    if (cell) {
      const [w, h] = [wide / grid.columns, high / grid.rows];
      overviewNode("rect", { x: x + cell.column * w, y: y + cell.row * h, width: w, height: h, class: "pinned" }, parent);
    }
  }

  arrow(x, from, to, parent = this.svg) {
    if (to - from < 5) return;
    overviewNode("path", { d: `M${x} ${from}V${to - 1}M${x - 4} ${to - 5}L${x} ${to}L${x + 4} ${to - 5}`, class: "flow" }, parent);
  }

  // The blocks of a stage, folded: a frame a run, a glyph an operator, and how often it comes.
  runs(model, stage, area, most, parent = this.svg, centred = 0.5) {
    const { texts } = this.overview;
    const lists = stage.runs.map((run) => model.blocks.slice(run.first, run.first + run.period));
    const counts = stage.runs.map((run) => (run.count > 1 ? textWidth(`× ${run.count}`, 18, 700) + 8 : 0));
    const glyphs = lists.flat().reduce((sum, block) => sum + block.steps.length, 0);
    const apart = stage.runs.length * 16 + lists.flat().length * 4;
    const room = area.width - apart - counts.reduce((a, b) => a + b, 0);
    const side = Math.max(10, Math.min(most, area.height - 10, room / glyphs - 4));
    let at = area.x + centred * Math.max(0, room - glyphs * (side + 4));
    const top = area.y + (area.height - side) / 2;
    stage.runs.forEach((run, i) => {
      const wide = lists[i].reduce((sum, block) => sum + block.steps.length * (side + 4), 0) + 4 * lists[i].length;
      for (const behind of run.count > 1 ? [6, 3] : []) this.box(at + behind, top - 5 - behind / 2, wide, side + 10, "card", parent);
      this.box(at, top - 5, wide, side + 10, "card", parent);
      let x = at + 4;
      lists[i].forEach((block, j) => {
        if (j) overviewNode("path", { d: `M${x - 2} ${top - 3}v${side + 6}`, class: "flow" }, parent);
        for (const step of block.steps) {
          this.glyph(this.overview.look(block, step.kind), x, top, side, model.colour, parent);
          x += side + 4;
        }
        x += 4;
      });
      if (counts[i]) this.text(at + wide + 10, top + side / 2 + 6, `× ${run.count}`, { parent, name: "strong", "aria-label": stageFill(texts.repeats, { count: run.count }) });
      at += wide + 16 + counts[i];
    });
  }

  // Classes as bars.
  answers(model, x, y, width, most, parent = this.svg) {
    const { texts } = this.overview;
    if (!model.answers.length) {
      const words = inLines(model.message, width, SMALL, most + 1);
      return this.lines(x, y + 16, words, { parent, name: model.here ? "" : "away" });
    }
    const verdict = inLines(model.verdict || stageFill(texts.answer, { count: model.classes }), width, SMALL, 1);
    this.text(x, y + 16, verdict[0], { parent });
    model.answers.slice(0, most).forEach(({ name, share }, i) => {
      const top = y + 22 + 27 * i;
      this.box(x, top, width, 24, "back", parent);
      const bar = this.box(x, top, Math.max(2, width * share), 24, "bar", parent);
      bar.style.fill = model.colour;
      const percent = `${(100 * share).toFixed(1)} %`;
      this.text(x + width - 6, top + 18, percent, { parent, name: "end" });
      this.text(x + 6, top + 18, cutTo(name, width - 24 - textWidth(percent, SMALL), SMALL), { parent });
    });
    return y + 22 + 27 * Math.min(most, model.answers.length);
  }

  legend(kinds, colour, x, y, width) {
    let [at, top] = [x, y];
    for (const kind of kinds) {
      const { name } = this.overview.kinds[kind] ?? { name: kind };
      const wide = 30 + textWidth(name, SMALL) + 22;
      if (at > x && at + wide > x + width) [at, top] = [x, top + 30];
      this.glyph(kind, at, top, 24, colour);
      this.text(at + 30, top + 17, name);
      at += wide;
    }
    return top + 28;
  }

  // What leads back, in the upper left corner.
  back(words) {
    const wide = textWidth(words, SMALL) + 44;
    const group = this.button("back", { x: 0, y: 0, width: wide, height: 32 }, words, () => this.overview.up());
    overviewNode("path", { d: "M18 9L11 16L18 23", class: "flow" }, group);
    this.text(28, 21, words, { parent: group });
    return wide + 16;
  }
}

class Overview {
  constructor(root) {
    this.state = { model: -1, block: -1 };
    this.point = { x: 500, y: 500 };
    this.maps = new Map();
    this.frames = [];
    this.tell = () => {};
    this.host = stageNode("div", "overview", root);
    this.host.overview = this; // for whoever measures or looks
    this.view = stageNode("div", "view", this.host);
    const foot = stageNode("div", "foot", this.host);
    this.status = stageNode("p", "status", foot);
    this.status.setAttribute("role", "status");
    this.save = stageNode("button", "save", foot);
    this.save.type = "button";
    this.save.addEventListener("click", () => this.download());
    this.tree = stageNode("div", "tree", this.host);
    this.host.addEventListener("keydown", (event) => this.key(event));
    this.watch = new ResizeObserver(() => this.header && this.host.clientWidth !== this.width && this.draw());
    this.watch.observe(this.host);
  }

  // header: {models, kinds, texts, label}; address: of the picture; table: 255 colours as bytes.
  show(header, address, table) {
    Object.assign(this, { header, address, table, texts: header.texts, kinds: header.kinds, models: header.models });
    this.maps.clear();
    this.save.textContent = this.texts.save;
    this.host.setAttribute("aria-label", header.label);
    this.drawTree();
    this.state = this.inside(this.state);
    this.draw();
  }

  // The server's word: `into` is "", "model" or "model,stage.block".
  choose({ into, x, y }) {
    const moved = x !== this.point.x || y !== this.point.y;
    this.point = { x, y };
    const [state, now] = [this.read(into), this.state];
    const same = state.model === now.model && state.block === now.block;
    if (this.heard && !same) this.turn(state);
    else if (!same || moved) {
      this.state = state;
      this.draw();
    }
    this.heard = true;
  }

  // A block's field, or the words in its place: {field} or {message}.
  map(into, entry) {
    this.maps.set(into, entry);
    if (into === this.into()) this.paint();
  }

  read(into) {
    const [key, name] = into.split(",");
    const model = this.models.findIndex((one) => one.key === key);
    const block = model < 0 || !name ? -1 : this.models[model].blocks.findIndex((one) => one.name === name);
    return { model, block };
  }

  inside({ model, block }) {
    if (!this.models[model]) return { model: -1, block: -1 };
    return { model, block: this.models[model].blocks[block] ? block : -1 };
  }

  into({ model, block } = this.state) {
    const parts = [this.models[model]?.key, this.models[model]?.blocks[block]?.name];
    return parts.filter(Boolean).join(",");
  }

  look(block, kind) {
    return kind === "window_attention" && block.shift ? "shifted_window" : kind;
  }

  up() {
    const { model, block } = this.state;
    if (block >= 0) this.go({ model, block: -1 });
    else if (model >= 0) this.go({ model: -1, block: -1 });
  }

  // The visitor's step: seen at once, told when it has come to rest.
  go(state) {
    this.turn(this.inside(state)).then(() => this.tell({ into: this.into() }));
  }

  draw() {
    this.width = this.host.clientWidth;
    if (!this.width) return;
    const focus = this.spotInFocus();
    this.scene = this.sceneOf(this.state);
    this.view.replaceChildren(this.scene.node);
    this.view.style.height = `${this.scene.height}px`;
    this.paint();
    if (focus !== null) this.focus(focus);
  }

  sceneOf({ model, block }) {
    if (block >= 0) return this.blockScene(this.models[model], this.models[model].blocks[block]);
    return model >= 0 ? this.modelScene(this.models[model], model) : this.allScene();
  }

  // From one scene to another: the part that was pressed grows into the whole, or shrinks back.
  async turn(state) {
    const [before, old] = [this.state, this.scene];
    this.state = state;
    this.width = this.host.clientWidth;
    const next = this.sceneOf(state);
    const within = this.focusInside();
    const deeper = state.model >= 0 && (before.model < 0 || (state.block >= 0 && before.block < 0));
    const spot = deeper ? this.spotOf(state) : this.spotOf(before);
    const area = (deeper ? old : next)?.spots.get(spot);
    this.scene = next;
    this.view.append(next.node);
    this.view.style.height = `${Math.max(next.height, old?.height ?? 0)}px`;
    this.paint();
    this.status.textContent = next.svg.getAttribute("aria-label");
    if (old && area && !matchMedia("(prefers-reduced-motion: reduce)").matches) await this.move(old, next, area, deeper);
    for (const node of [...this.view.children]) if (node !== this.scene.node) node.remove();
    this.view.style.height = `${this.scene.height}px`;
    if (within) this.focus(deeper ? "back" : spot);
  }

  spotOf({ model, block }) {
    return block >= 0 ? `b${block}` : `m${model}`;
  }

  async move(old, next, area, deeper) {
    const whole = deeper ? next : old;
    const small = `translate(${area.x}px, ${area.y}px) scale(${area.width / whole.width}, ${area.height / whole.height})`;
    const grown = `scale(${whole.width / area.width}, ${whole.height / area.height}) translate(${-area.x}px, ${-area.y}px)`;
    const [inner, outer] = deeper ? [next.node, old.node] : [old.node, next.node];
    const options = { duration: OVERVIEW_MS, easing: "ease-in-out", fill: "both", direction: deeper ? "normal" : "reverse" };
    this.view.classList.add("moving");
    next.node.style.opacity = 0.01; // painted before it moves, so that no frame waits for it
    await this.calm();
    next.node.style.opacity = "";
    this.measure();
    const moves = [
      inner.animate([{ transform: small, opacity: 0 }, { transform: "none", opacity: 1 }], options),
      outer.animate([{ transform: "none", opacity: 1 }, { transform: grown, opacity: 0 }], options),
    ];
    await Promise.allSettled(moves.map((one) => one.finished));
    moves.forEach((one) => one.cancel());
    this.measuring = false;
    this.view.classList.remove("moving");
  }

  // Waits for two quick frames one after the other, at most a dozen.
  async calm() {
    let [last, quick] = [performance.now(), 0];
    for (let i = 0; i < 12 && quick < 2; i += 1) {
      const now = await new Promise(requestAnimationFrame);
      quick = i && now - last < 25 ? quick + 1 : 0;
      last = now;
    }
  }

  // How long each frame of a descent takes, for whoever measures.
  measure() {
    this.measuring = true;
    this.frames = [];
    let last = 0;
    const step = (now) => {
      if (last) this.frames.push(now - last);
      last = now;
      if (this.measuring) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  // ------------------------------------------------------------ all models

  allScene() {
    const { texts, models, width } = this;
    const scene = new Scene(this, width);
    const across = Math.max(1, Math.min(models.length, Math.floor(width / 226)));
    const [gap, legend] = [16, this.kindsOf(models)];
    const wide = (width - gap * (across - 1)) / across;
    const stages = Math.max(1, ...models.map((one) => one.stages.length));
    const least = 262 + stages * (wide - 2 * PAD < 300 ? 68 : 50);
    const below = legend.reduce((sum, kind) => sum + 52 + textWidth(this.kinds[kind]?.name ?? kind, SMALL), 0);
    const room = parseFloat(getComputedStyle(this.host).minHeight) - gap - 30 * Math.ceil(below / (0.9 * width)); // where a page says how much
    const answers = room > 0 && room < least ? 1 : 3;
    const high = room > 0 ? Math.max(least - 27 * (3 - answers), room) : across > 1 ? Math.max(least, Math.min(620, innerHeight - 300)) : least;
    models.forEach((model, i) => {
      const [x, y] = [(i % across) * (wide + gap), Math.floor(i / across) * (high + gap)];
      this.column(scene, model, i, { x, y, width: wide, height: high }, answers);
    });
    const bottom = Math.ceil(models.length / across) * (high + gap);
    const end = scene.legend(legend, "var(--text)", 0, bottom, width);
    return scene.close(texts.all, end);
  }

  kindsOf(models) {
    const looks = models.flatMap((one) => one.blocks.flatMap((block) => block.steps.map((step) => this.look(block, step.kind))));
    return [...new Set(looks)];
  }

  column(scene, model, index, area, answers) {
    const { texts } = this;
    const label = stageFill(texts.enter, { model: model.title });
    const group = scene.button(`m${index}`, area, label, () => this.go({ model: index, block: -1 }));
    const [left, wide] = [area.x + PAD, area.width - 2 * PAD];
    this.head(scene, model, area, group);
    const side = 88;
    scene.picture(model, left, area.y + 44, side, group);
    const facts = this.inputFacts(model, wide - side - 12);
    scene.lines(left + side + 12, area.y + 62, facts.slice(0, 4), { parent: group });
    const [top, bottom] = [area.y + 44 + side, area.y + area.height - 35 - 27 * answers];
    const high = (bottom - top) / Math.max(1, model.stages.length);
    model.stages.forEach((stage, i) => {
      const y = top + i * high;
      scene.arrow(left + 44, y + 1, y + 13, group);
      this.stageRow(scene, model, stage, { x: left, y: y + 13, width: wide, height: high - 13 }, group);
    });
    scene.arrow(left + 44, bottom + 1, bottom + 13, group);
    scene.answers(model, left, bottom + 12, wide, answers, group);
  }

  head(scene, model, area, parent) {
    const line = overviewNode("rect", { x: area.x, y: area.y, width: area.width, height: 6, class: "line" }, parent);
    line.style.fill = model.colour;
    scene.text(area.x + PAD, area.y + 31, cutTo(model.title, area.width - 2 * PAD, LARGE, 700), { parent, name: "title" });
  }

  inputFacts(model, width) {
    const { texts } = this;
    const { grid } = model;
    const short = width < 150;
    const patches = short ? texts.patches_short : grid.patch > grid.stride ? texts.overlap : texts.patches;
    const words = [
      stageFill(short ? texts.pixels_short : texts.pixels, { size: size([grid.input, grid.input]) }),
      stageFill(patches, { patch: size([grid.patch, grid.patch]), stride: grid.stride }),
      stageFill(texts.parameters, { count: inShort(model.parameters) }),
      stageFill(texts.adds, { count: inShort(model.adds) }),
    ];
    return words.flatMap((one) => inLines(one, width, SMALL, 2));
  }

  stageRow(scene, model, stage, area, parent) {
    const { texts } = this;
    const shape = stageFill(texts.shape, { grid: size([stage.rows, stage.columns]), channels: stage.channels });
    const large = area.height > 92 || area.width < 300;
    if (large) {
      const words = [stageFill(texts.shape_long, { grid: size([stage.rows, stage.columns]), channels: stage.channels }), shape];
      const fits = words.find((one) => textWidth(one, SMALL) <= area.width) ?? shape;
      scene.text(area.x, area.y + 17, fits, { parent });
      scene.runs(model, stage, { ...area, y: area.y + 25, height: area.height - 26 }, 84, parent);
      return;
    }
    const [grid, channels] = [size([stage.rows, stage.columns]), stageFill(texts.channels, { count: stage.channels })];
    const middle = area.y + area.height / 2;
    scene.text(area.x, middle - 3, grid, { parent });
    scene.text(area.x, middle + 16, cutTo(channels, 92, SMALL), { parent });
    scene.runs(model, stage, { x: area.x + 96, y: area.y, width: area.width - 96, height: area.height }, 34, parent);
  }

  // ------------------------------------------------------------ one model

  modelScene(model, index) {
    const { texts, width } = this;
    const scene = new Scene(this, width);
    const from = scene.back(texts.back_all);
    const narrow = width < 760;
    const title = narrow ? { x: 0, y: 62 } : { x: from, y: 23 };
    scene.text(title.x, title.y, model.title, { name: "title" });
    const costs = [texts.parameters, texts.adds].map((words, i) => stageFill(words, { count: inShort([model.parameters, model.adds][i]) }));
    if (!narrow) scene.text(width, 22, costs.join(" · "), { name: "end" });
    const line = overviewNode("rect", { x: 0, y: title.y + 15, width, height: 6, class: "line" }, scene.svg);
    line.style.fill = model.colour;
    const top = title.y + 36;
    const side = narrow ? 120 : Math.min(210, width * 0.2);
    scene.picture(model, 0, top, side);
    const facts = this.inputFacts(model, narrow ? width - side - 14 : side).slice(0, narrow ? 5 : 6);
    const beside = narrow || !model.answers.length ? 0 : 300;
    let left = narrow ? top + side : scene.lines(0, top + side + 22, facts);
    if (narrow) scene.lines(side + 14, top + 16, facts);
    else if (!beside) left = scene.answers(model, 0, left, side, 5);
    const middle = narrow ? { x: 0, y: left + 14, width } : { x: side + 28, y: top, width: width - side - 28 - beside };
    let y = middle.y;
    for (const stage of model.stages) y = this.stagePanel(scene, model, index, stage, { ...middle, y }) + 12;
    const answer = narrow ? { x: 0, y, width } : { x: width - 272, y: top, width: 272 };
    const end = beside || narrow ? scene.answers(model, answer.x, answer.y - 4, answer.width, 5) : 0;
    const low = narrow ? end + 16 : Math.max(y, end + 16, left);
    const last = scene.legend(this.kindsOf([model]), model.colour, 0, low + 4, width);
    return scene.close(stageFill(texts.one, { model: model.title }), last);
  }

  stagePanel(scene, model, index, stage, area) {
    const { texts } = this;
    const costs = this.sumOf(model, stage);
    const words = [
      model.stages.length > 1 ? stageFill(texts.stage, { number: stage.number }) : "",
      stageFill(texts.shape_long, { grid: size([stage.rows, stage.columns]), channels: stage.channels }),
      stageFill(texts.parameters, { count: inShort(costs.parameters) }),
      stageFill(texts.adds, { count: inShort(costs.adds) }),
    ].filter(Boolean);
    const merged = stage.merge ? stageFill(texts.merge, { count: inShort(stage.merge.parameters) }) : "";
    const lines = [merged, words.join(" · ")].filter(Boolean).flatMap((line) => inLines(line, area.width, SMALL, 3));
    let y = scene.lines(area.x, area.y + 16, lines) - 8;
    const most = model.stages.length > 1 ? 34 : 60;
    let [at, high] = [area.x, most + 16];
    for (const run of stage.runs) {
      const blocks = model.blocks.slice(run.first, run.first + run.period * run.count);
      const glyphs = blocks.slice(0, run.period).reduce((sum, block) => sum + block.steps.length, 0);
      const repeats = run.count > 1 ? textWidth(`× ${run.count}`, 18, 700) + 24 : 0;
      const strip = Math.min(area.width * 0.6, glyphs * (most + 4) + 4 * run.period + 16 + repeats);
      if (at > area.x && at + strip + 42 * Math.min(blocks.length, 12) > area.x + area.width) {
        [at, y, high] = [area.x, y + high + 4, most + 16];
      }
      scene.runs(model, { ...stage, runs: [run] }, { x: at, y, width: strip, height: most + 16 }, most, scene.svg, 0);
      const start = at + strip + 2;
      const across = Math.max(1, Math.floor((area.x + area.width - start) / 42));
      blocks.forEach((block, i) => {
        const spot = { x: start + (i % across) * 42, y: y + (most - 20) / 2 + Math.floor(i / across) * 40, width: 38, height: 36 };
        this.blockButton(scene, model, index, run.first + i, spot);
      });
      high = Math.max(high, (most - 20) / 2 + Math.ceil(blocks.length / across) * 40);
      at = start + Math.min(across, blocks.length) * 42 + 18;
    }
    return y + high;
  }

  blockButton(scene, model, index, place, spot) {
    const block = model.blocks[place];
    const label = `${stageFill(this.texts.block, { name: block.name })}: ${this.stepWords(block)}`;
    const group = scene.button(`b${place}`, spot, label, () => this.go({ model: index, block: place }));
    group.classList.add("number");
    scene.text(spot.x + spot.width / 2, spot.y + 24, block.name.split(".")[1], { parent: group, name: "middle" });
  }

  sumOf(model, stage) {
    const own = stage.runs.flatMap((run) => model.blocks.slice(run.first, run.first + run.period * run.count));
    const sum = (name) => own.reduce((total, block) => total + block[name], 0);
    return { parameters: sum("parameters"), adds: sum("adds") };
  }

  stepWords(block) {
    return block.steps.map((step) => this.kinds[step.kind]?.name ?? step.kind).join(", ");
  }

  // ------------------------------------------------------------ one block

  blockScene(model, block) {
    const { texts, width } = this;
    const scene = new Scene(this, width);
    const from = scene.back(model.title);
    const narrow = width < 760;
    const named = model.stages.length > 1 ? texts.stage_block : texts.block;
    const [number, last] = block.name.split(".");
    const name = stageFill(named, { stage: number, block: last, name: last });
    const costs = [[texts.parameters, block.parameters], [texts.adds, block.adds]].map(([words, count]) => stageFill(words, { count: inShort(count) }));
    const shape = stageFill(texts.shape_long, { grid: size([block.rows, block.columns]), channels: block.channels });
    scene.text(narrow ? 0 : from, narrow ? 60 : 23, name, { name: "title" });
    if (narrow) scene.lines(0, 82, inLines([shape, ...costs].join(" · "), width, SMALL, 3));
    else scene.text(width, 22, [shape, ...costs].join(" · "), { name: "end" });
    const top = narrow ? 82 + 22 * inLines([shape, ...costs].join(" · "), width, SMALL, 3).length : 52;
    const line = overviewNode("rect", { x: 0, y: top - 14, width, height: 6, class: "line" }, scene.svg);
    line.style.fill = model.colour;
    const side = narrow ? Math.min(width, 300) : Math.min(330, width * 0.32);
    const list = narrow ? { x: 0, width } : { x: side + 28, width: width - side - 28 };
    const below = this.mapPart(scene, model, block, { x: 0, y: top, side });
    let y = narrow ? below + 12 : top;
    block.steps.forEach((step, i) => {
      y = this.stepCard(scene, model, block, step, i, { ...list, y }) + 8;
    });
    return scene.close(`${model.title}: ${name}. ${this.stepWords(block)}`, Math.max(y, below));
  }

  stepCard(scene, model, block, step, place, area) {
    const { texts } = this;
    const kind = this.kinds[step.kind] ?? { name: step.kind, formula: "" };
    const page = model.pages[step.kind];
    const open = page ? textWidth(page, SMALL) + 34 : 0;
    const left = area.x + 62;
    const wide = area.width - 62 - 10;
    const layers = step.layers.map((layer) => `${layer.name} ${size(layer.shape)}`);
    const costs = [[texts.parameters, step.parameters], [texts.adds, step.adds]].map(([words, count]) => stageFill(words, { count: inShort(count) }));
    const words = [...inLines((step.layers.length === 1 && kind.formula_one) || kind.formula, wide, SMALL, 2).map((line) => [line, "formula"]), ...inLines([...layers, ...costs].join(" · "), wide, SMALL, 3).map((line) => [line, ""])];
    // A name is never cut: it takes a second line, and the button stands below, where there is no room.
    const name = this.stepName(block, step, kind);
    const fits = textWidth(name, 18, 700) <= wide - open;
    const names = fits ? [name] : inLines(name, wide, 20, 2);
    const first = 47 + 22 * (names.length - 1);
    const high = first - 13 + 22 * words.length + (page && !fits ? 36 : 0);
    scene.box(area.x, area.y, area.width, high, "panel");
    scene.glyph(this.look(block, step.kind), area.x + 10, area.y + 10, 42, model.colour);
    names.forEach((line, i) => scene.text(left, area.y + 24 + 22 * i, line, { name: "strong" }));
    words.forEach(([line, kindOfLine], i) => scene.text(left, area.y + first + 22 * i, line, { name: kindOfLine }));
    if (page) {
      const spot = { x: area.x + area.width - open - 8, y: fits ? area.y + 6 : area.y + high - 36, width: open, height: 30 };
      const group = scene.button(`p${place}`, spot, stageFill(texts.open, { page }), () => this.tell({ into: this.into(), open: step.kind }));
      group.classList.add("open");
      scene.text(spot.x + 12, spot.y + 21, `${page} ›`, { parent: group });
    }
    return area.y + high;
  }

  stepName(block, step, kind) {
    const facts = { window_attention: block.window, depthwise: step.layers[0]?.shape.at(-1), convolution: step.layers[0]?.shape.at(-1) };
    const side = facts[step.kind];
    return side ? `${kind.name}, ${size([side, side])}` : kind.name;
  }

  // ------------------------------------------------------------ a block's small map

  mapPart(scene, model, block, { x, y, side }) {
    const { texts } = this;
    const box = model.box ?? { left: 0, top: 0, width: 1000, height: 1000 };
    const group = overviewNode("g", { class: "map", tabindex: 0, role: "application", "aria-label": stageFill(texts.map, { model: model.title }) }, scene.svg);
    const view = `${box.left} ${box.top} ${box.width} ${box.height}`;
    const inner = overviewNode("svg", { x, y, width: side, height: side, preserveAspectRatio: "none", viewBox: view }, group);
    overviewNode("image", { href: this.address, width: 1000, height: 1000, preserveAspectRatio: "none", class: "grey" }, inner);
    const image = overviewNode("image", { x, y, width: side, height: side, preserveAspectRatio: "none", class: "shares" }, group);
    const mark = overviewNode("rect", { class: "pinned", width: 0, height: 0 }, group);
    const words = overviewNode("g", {}, group);
    this.small = { model, block, image, mark, words, x, y, side, scene };
    const at = (event) => {
      const area = inner.getBoundingClientRect();
      const part = (value, from, length) => Math.min(1, Math.max(0, (value - from) / length));
      return {
        x: Math.round(Math.min(1000, Math.max(0, box.left + box.width * part(event.clientX, area.left, area.width)))),
        y: Math.round(Math.min(1000, Math.max(0, box.top + box.height * part(event.clientY, area.top, area.height)))),
      };
    };
    group.addEventListener("pointermove", (event) => this.paint(at(event)));
    group.addEventListener("pointerleave", () => this.paint());
    group.addEventListener("click", (event) => this.pin(at(event)));
    return y + side + 100;
  }

  pin(point) {
    this.point = point;
    this.paint();
    this.tell({ into: this.into(), ...point });
  }

  // The map of a point: shares on the square-root scale, the largest one uses the whole of it.
  paint(point = this.point) {
    if (this.state.block < 0 || !this.small) return;
    const { model, block, image, mark, words, x, y, side, scene } = this.small;
    const { texts } = this;
    const { field, message } = this.maps.get(this.into()) ?? {};
    const cell = field && model.box && stageCell(model.box, field.rows, field.columns, point);
    mark.setAttribute("width", 0);
    words.replaceChildren();
    let said = message || (model.here ? texts.waits : model.message);
    if (!cell) image.removeAttribute("href");
    if (field && !cell) said = texts.outside;
    if (cell) {
      const shares = field.at(cell.row, cell.column);
      const most = shares.reduce((best, share, i) => (share > shares[best] ? i : best), 0);
      image.setAttribute("href", this.inColours(shares, field, shares[most]));
      const [w, h] = [side / field.columns, side / field.rows];
      for (const [name, value] of Object.entries({ x: x + cell.column * w, y: y + cell.row * h, width: w, height: h })) mark.setAttribute(name, value);
      const place = { row: Math.floor(most / field.columns) + 1, column: (most % field.columns) + 1 };
      said = stageFill(texts.reads, { ...place, largest: stagePercent(shares[most]), own: stagePercent(shares[cell.row * field.columns + cell.column]) });
    }
    const end = scene.lines(x, y + side + 20, inLines(said, side, SMALL, 3), { parent: words });
    if (cell) this.scale(scene, x, end - 8, side, words, Math.max(...field.shares));
  }

  // What the colours mean: from 0 to the largest share of this place.
  scale(scene, x, y, side, parent, most) {
    const [from, steps] = [x + 34, 32];
    const wide = side - 34 - 64;
    scene.text(x, y + 14, "0\u00a0%", { parent });
    for (let i = 0; i < steps; i += 1) {
      const row = 3 * Math.round((254 * i) / (steps - 1));
      const colour = `rgb(${this.table[row]} ${this.table[row + 1]} ${this.table[row + 2]})`;
      overviewNode("rect", { x: from + (i * wide) / steps, y, width: wide / steps + 0.5, height: 16, fill: colour }, parent);
    }
    scene.text(from + wide + 8, y + 14, `${stagePercent(most)}\u00a0%`, { parent });
  }

  inColours(shares, field, most) {
    const canvas = (this.canvas ??= document.createElement("canvas"));
    [canvas.width, canvas.height] = [field.columns, field.rows];
    const pen = canvas.getContext("2d");
    if (!pen) return "";
    const pixels = pen.createImageData(field.columns, field.rows);
    shares.forEach((share, i) => {
      const row = 3 * Math.round(254 * Math.sqrt(most > 0 ? share / most : 0));
      pixels.data.set([this.table[row], this.table[row + 1], this.table[row + 2], 255], 4 * i);
    });
    pen.putImageData(pixels, 0, 0);
    return canvas.toDataURL();
  }

  // ------------------------------------------------------------ keyboard, words, file

  focusInside() {
    return this.host.contains(this.host.getRootNode().activeElement);
  }

  spotInFocus() {
    if (!this.focusInside()) return null;
    const node = this.host.getRootNode().activeElement;
    return [...this.view.querySelectorAll("[tabindex]")].indexOf(node);
  }

  focus(spot) {
    const all = [...this.scene.node.querySelectorAll("[tabindex]")];
    const names = [...this.scene.spots.keys()];
    const place = typeof spot === "number" ? spot : [...this.scene.node.querySelectorAll(".press")].findIndex((_, i) => names[i] === spot);
    const node = typeof spot === "number" ? all[place] : this.scene.node.querySelectorAll(".press")[place];
    (node ?? all[0])?.focus({ preventScroll: true });
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const node = this.host.getRootNode().activeElement;
    const onMap = node?.classList.contains("map");
    const way = { ArrowRight: [1, 0], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowUp: [0, -1] }[event.key];
    if (event.key === "Escape" && this.state.model >= 0) this.up();
    else if ((event.key === "Enter" || event.key === " ") && node?.press) node.press();
    else if (way && onMap) this.step(way);
    else if (way) {
      const all = [...this.scene.node.querySelectorAll("[tabindex]")];
      const place = all.indexOf(node) + way[0] + way[1];
      all[Math.min(all.length - 1, Math.max(0, place))]?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // One press is one cell of the small map.
  step([right, down]) {
    const { model } = this.small;
    const { field } = this.maps.get(this.into()) ?? {};
    const cell = field && model.box && stageCell(model.box, field.rows, field.columns, this.point);
    if (!cell) return;
    const part = (start, length, count, place) => Math.round(Math.min(1000, Math.max(0, start + ((place + 0.5) * length) / count)));
    const [row, column] = [cell.row + down, cell.column + right];
    if (row < 0 || column < 0 || row >= field.rows || column >= field.columns) return;
    const { left, top, width, height } = model.box;
    this.pin({ x: part(left, width, field.columns, column), y: part(top, height, field.rows, row) });
  }

  // The same as a nested list, for those who hear the page.
  drawTree() {
    const { texts } = this;
    this.tree.replaceChildren();
    const list = (parent) => stageNode("ul", "", parent);
    const item = (parent, words) => stageNode("li", "", parent, words);
    const models = list(this.tree);
    for (const model of this.models) {
      const own = list(item(models, model.title));
      if (model.message) item(own, model.message);
      item(own, this.inputFacts(model, 1e6).join(", "));
      for (const stage of model.stages) {
        const words = [stageFill(texts.stage, { number: stage.number }), stageFill(texts.shape_long, { grid: size([stage.rows, stage.columns]), channels: stage.channels })];
        const runs = list(item(own, words.join(": ")));
        for (const run of stage.runs) {
          const blocks = model.blocks.slice(run.first, run.first + run.period);
          const repeats = run.count > 1 ? `, ${stageFill(texts.repeats, { count: run.count })}` : "";
          const steps = list(item(runs, `${stageFill(texts.block, { name: blocks[0].name })}${repeats}`));
          for (const block of blocks) for (const step of block.steps) item(steps, this.kinds[step.kind]?.name ?? step.kind);
        }
      }
      if (model.answers.length) {
        const answer = list(item(own, model.verdict || stageFill(texts.answer, { count: model.classes })));
        for (const { name, share } of model.answers) item(answer, `${name}: ${(100 * share).toFixed(1)} %`);
      }
    }
  }

  // What is seen as one SVG file: text stays text, colours and letters are written into it.
  toSvg() {
    const copy = this.scene.svg.cloneNode(true);
    const pairs = [[this.scene.svg, copy], ...[...this.scene.svg.querySelectorAll("*")].map((node, i) => [node, copy.querySelectorAll("*")[i]])];
    const names = ["fill", "fill-opacity", "stroke", "stroke-width", "opacity", "color", "font-family", "font-size", "font-weight", "font-style", "text-anchor", "filter", "image-rendering"];
    for (const [node, twin] of pairs) {
      const style = getComputedStyle(node);
      for (const name of names) {
        const value = style.getPropertyValue(name);
        if (value && value !== "none" && value !== "normal") twin.setAttribute(name, value.replaceAll('"', "'"));
        else if (name === "fill" && value === "none") twin.setAttribute(name, value);
      }
      for (const name of ["class", "style", "tabindex", "role"]) twin.removeAttribute(name);
    }
    copy.setAttribute("xmlns", OVERVIEW_SVG);
    const ground = overviewNode("rect", { width: this.scene.width, height: this.scene.height, fill: getComputedStyle(this.host).getPropertyValue("--ground").trim() || "#fff" });
    copy.prepend(ground);
    return new XMLSerializer().serializeToString(copy);
  }

  download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([this.toSvg()], { type: "image/svg+xml" }));
    link.download = `${this.into().replace(/[^\w.-]+/g, "_") || "overview"}.svg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  remove() {
    this.watch.disconnect();
    this.host.remove();
  }
}
