// The stage: the picture and one map a model, equally large, in which the pointer moves the place.
//
// Plain JavaScript without a framework and without imports: `new Stage(root)`, then `show(...)`,
// `fields(...)`, `choose(...)`. assets/components/stage.html shows it from a folder. Everything that
// follows the pointer is computed here, from the fields of a block (vislib/analysis/fields.py): the
// share of reading, in percent, of every place. All points are whole thousandths of the upright
// picture.

const STAGE_SCALES = ["root", "linear", "own"];
const STAGE_PALE = 0.25; // of the scale: below it half of the colours are not used
const STAGE_PAUSE = 60; // ms: of a key that is held, Python is told the last step alone

// One block of one model: `meta` as ReadingField's attributes, `bytes` a view on its values.
class Field {
  constructor(meta, bytes) {
    Object.assign(this, meta);
    const copy = bytes.slice(meta.offset, meta.offset + meta.length);
    const types = { linear16: Uint16Array, root8: Uint8Array, float32: Float32Array, signed16: Int16Array, signed8: Int8Array };
    this.values = new types[meta.packing](copy.buffer);
    this.outside = null;
    if (meta.outside) {
      const { offset, length } = meta.outside;
      this.outside = new Float32Array(bytes.slice(offset, offset + length).buffer);
    }
    this.shares = new Float64Array(this.rows * this.columns);
    this.signed = this.kind === "factors";
  }

  // Percent of each place that the reader at (row, column) reads; the array is used again.
  at(row, column) {
    this.shares.fill(0);
    if (this.kind === "dense") this.readDense(row * this.columns + column);
    else if (this.kind === "window") this.readWindow(row, column);
    else if (this.kind === "factors") this.readFactors(row * this.columns + column);
    else this.readKernel(row - (row % this.step), column - (column % this.step));
    return this.shares;
  }

  percent(value) {
    return this.packing === "root8" ? (value / 255) ** 2 * this.scale : value * this.scale;
  }

  readDense(reader) {
    const places = this.rows * this.columns;
    for (let i = 0; i < places; i += 1) this.shares[i] = this.percent(this.values[reader * places + i]);
  }

  // Cosines: products of unit vectors, -1 to 1.
  readFactors(reader) {
    const { values, shares } = this;
    const features = values.length / shares.length;
    const squared = this.scale ** 2;
    for (let i = 0; i < shares.length; i += 1) {
      let sum = 0;
      for (let k = 0; k < features; k += 1) sum += values[reader * features + k] * values[i * features + k];
      shares[i] = Math.min(1, Math.max(-1, sum * squared));
    }
  }

  readWindow(row, column) {
    const { rows, columns, window: side, shift } = this;
    const turned = (place, size) => (((place - shift) % size) + size) % size;
    const [r, c] = [turned(row, rows), turned(column, columns)];
    const across = Math.ceil(columns / side);
    const index = Math.floor(r / side) * across + Math.floor(c / side);
    const query = (r % side) * side + (c % side);
    const start = (index * side * side + query) * side * side;
    const [top, left] = [r - (r % side), c - (c % side)];
    for (let key = 0; key < side * side; key += 1) {
      const [y, x] = [top + Math.floor(key / side), left + (key % side)];
      if (y >= rows || x >= columns) continue; // padding
      const place = ((y + shift) % rows) * columns + ((x + shift) % columns);
      this.shares[place] = this.percent(this.values[start + key]);
    }
  }

  readKernel(row, column) {
    const [down, across] = this.taps;
    const [top, left] = [row - ((down - 1) >> 1), column - ((across - 1) >> 1)];
    let total = 0;
    for (let ky = 0; ky < down; ky += 1) {
      for (let kx = 0; kx < across; kx += 1) {
        const [y, x] = [top + ky, left + kx];
        if (y < 0 || x < 0 || y >= this.rows || x >= this.columns) continue;
        const value = this.values[ky * across + kx];
        this.shares[y * this.columns + x] = value;
        total += value;
      }
    }
    if (total > 0) for (let i = 0; i < this.shares.length; i += 1) this.shares[i] *= 100 / total;
  }

  // What a reader in a window can read at all, in one piece: the same as windows.window_piece.
  piece(row, column) {
    const along = (place, size) => {
      const rolled = (((place - this.shift) % size) + size) % size;
      const first = rolled - (rolled % this.window);
      const last = Math.min(first + this.window, size);
      if (rolled < size - this.shift) return [first + this.shift, Math.min(last, size - this.shift) - first];
      const start = Math.max(first, size - this.shift);
      return [start + this.shift - size, last - start];
    };
    const [[top, down], [left, across]] = [along(row, this.rows), along(column, this.columns)];
    return { row: top, column: left, down, across };
  }

  outsideAt(row, column) {
    return this.outside ? this.outside[row * this.columns + column] : 0;
  }
}

// The cell of a grid over a view box that holds a point, or null outside the box. The same integers
// as in vislib/pictures/geometry.py (cell_at): edges come in parts of a thousand million.
function stageCell(box, rows, columns, point) {
  const place = (thousandths, [start, length], count) => {
    const into = thousandths * 1e6 - start;
    return into < 0 || into > length ? null : Math.min(Math.floor((into * count) / length), count - 1);
  };
  const [row, column] = [place(point.y, box.down, rows), place(point.x, box.across, columns)];
  return row === null || column === null ? null : { row, column };
}

function stageNode(tag, name, parent, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  if (parent) parent.appendChild(node);
  return node;
}

const stageFill = (template, values) =>
  template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));

const stagePercent = (share) => (share >= 9.95 ? share.toFixed(0) : share >= 0.095 ? share.toFixed(1) : share > 0 ? share.toPrecision(1) : "0");

// One square of the stage: a picture, and on it one map of a model or a message in its place.
class Tile {
  constructor(stage, parent, about) {
    this.stage = stage;
    this.about = about;
    this.host = stageNode("figure", "tile", parent);
    const head = stageNode("figcaption", "head", this.host);
    head.style.borderColor = about.colour ?? "transparent";
    stageNode("span", "name", head, about.label);
    this.isMap = about.whole === undefined;
    this.ground = stageNode("div", this.isMap ? "ground grey" : "ground", this.host);
    this.picture = stageNode("img", "", this.ground);
    this.picture.alt = about.alt ?? "";
    this.picture.draggable = false;
    this.picture.src = stage.addresses[about.picture];
    if (about.area) {
      this.canvas = stageNode("canvas", "map", this.ground);
      this.canvas.setAttribute("role", "img");
      this.canvas.setAttribute("aria-label", about.map ?? about.label);
      this.lay(this.canvas, about.area);
      this.instead = stageNode("img", "instead", this.ground);
      this.instead.alt = about.map ?? about.label;
      this.instead.draggable = false;
      this.instead.hidden = true;
      this.lay(this.instead, about.area);
    }
    this.marks = stageNode("div", "marks", this.ground);
    this.foot = stageNode("div", this.isMap ? "foot" : "foot plain", this.host);
    this.sub = stageNode("span", "sub", this.foot);
    this.word = stageNode("p", "word", this.foot);
    if (about.whole) this.showWhole(about);
    if (this.isMap) this.makeOffer();
    this.message = stageNode("p", "message", this.ground);
    this.message.hidden = true;
  }

  lay(node, area) {
    for (const side of ["left", "top", "width", "height"]) node.style[side] = `${area[side]}%`;
  }

  // Below the picture: all of it, small, and which part of it the models see.
  showWhole({ whole, region }) {
    this.small = stageNode("div", "whole", this.foot);
    const picture = stageNode("img", "", this.small);
    picture.alt = "";
    picture.src = this.stage.addresses[whole];
    const area = stageNode("i", "seen", this.small);
    for (const side of ["left", "top", "width", "height"]) area.style[side] = `${region[side] / 10}%`;
  }

  // A map that is pale beside the others can be seen on a scale of its own.
  makeOffer() {
    this.offer = stageNode("button", "offer", this.foot, this.stage.texts.offer_own);
    this.offer.type = "button";
    this.offer.hidden = true;
    this.offer.addEventListener("click", () => this.stage.rescale("own"));
  }

  // Takes a block's field, or the words that stand in its place.
  take(entry) {
    this.word.textContent = "";
    this.marks.replaceChildren();
    this.field = entry?.field ?? null;
    this.sub.textContent = entry?.sub ?? "";
    this.say(this.field ? "" : entry?.message ?? "");
    this.word.textContent = entry?.word ?? "";
    if (this.canvas) this.showInstead(entry?.image ?? "");
    if (!this.field || !this.canvas) return;
    this.canvas.width = this.field.columns;
    this.canvas.height = this.field.rows;
    this.pen = this.canvas.getContext("2d");
    if (!this.pen) {
      this.field = null;
      this.say(this.stage.texts.no_canvas);
      return;
    }
    this.pixels = this.pen.createImageData(this.field.columns, this.field.rows);
    this.pixels.data.fill(255);
  }

  // A picture in the map's place: what the model itself sees.
  showInstead(address) {
    this.instead.hidden = !address;
    this.canvas.hidden = Boolean(address);
    if (address) this.instead.src = address;
  }

  say(words) {
    this.message.textContent = words;
    this.message.hidden = !words;
    if (this.canvas) this.canvas.style.visibility = words ? "hidden" : "";
  }

  cell(point) {
    if (!this.field) return null;
    return stageCell(this.about, this.field.rows, this.field.columns, point);
  }

  // Where a cell, or several, lie in the tile, percent.
  cellArea({ row, column, down = 1, across = 1 }) {
    const { area } = this.about;
    const [width, height] = [area.width / this.field.columns, area.height / this.field.rows];
    return { left: area.left + column * width, top: area.top + row * height, width: across * width, height: down * height };
  }

  // What the reader in a cell reads; gives the largest share, percent, 0 where nothing is drawn.
  read(cell) {
    this.marks.replaceChildren();
    this.cellShown = cell;
    if (this.offer) this.offer.hidden = true;
    if (!this.field) return 0;
    this.say(this.cellShown ? "" : this.stage.texts.outside);
    this.word.textContent = "";
    if (!this.cellShown) return 0;
    const shares = this.field.at(this.cellShown.row, this.cellShown.column);
    if (this.field.words) return 0; // its scale is its own
    this.most = 0;
    for (let i = 0; i < shares.length; i += 1) {
      if (shares[i] > shares[this.most]) this.most = i;
    }
    return shares[this.most];
  }

  paint(most) {
    const cell = this.cellShown;
    if (!cell || !this.field) return;
    if (this.field.words) {
      this.paintSigned(cell);
      return;
    }
    const { texts, scale } = this.stage;
    const { columns, shares, signed } = this.field;
    const { data } = this.pixels;
    const table = signed ? this.stage.signedTable : this.stage.table;
    const full = scale === "own" ? shares[this.most] : most;
    for (let i = 0; i < shares.length; i += 1) {
      const part = full > 0 ? Math.min(1, shares[i] / full) : 0;
      const step = signed ? (shares[i] + 1) / 2 : scale === "linear" ? part : Math.sqrt(part);
      const row = 3 * Math.round(254 * step);
      data[4 * i] = table[row];
      data[4 * i + 1] = table[row + 1];
      data[4 * i + 2] = table[row + 2];
    }
    this.pen.putImageData(this.pixels, 0, 0);
    if (this.field.window) this.outline(this.cellArea(this.field.piece(cell.row, cell.column)), "reach");
    this.outline(this.cellArea(cell), "reader");
    const own = cell.row * columns + cell.column;
    this.word.textContent = signed
      ? stageFill(texts.alike, this.farAndNear(own))
      : stageFill(texts.reads, { largest: stagePercent(shares[this.most]), own: stagePercent(shares[own]) });
    this.offer.hidden = signed || scale === "own" || shares[this.most] > STAGE_PALE * most;
  }

  // The cosines of the least and the most alike place, without the place itself.
  farAndNear(own) {
    const others = this.field.shares.filter((_, i) => i !== own);
    const words = (cosine) => cosine.toFixed(2).replace("-", "\u2212");
    return { far: words(Math.min(...others)), near: words(Math.max(...others)) };
  }

  // White is 0; what is no number lets the picture through.
  paintSigned(cell) {
    const { texts, signedTable } = this.stage;
    const { shares, largest } = this.field;
    const { data } = this.pixels;
    for (let i = 0; i < shares.length; i += 1) {
      const part = Math.min(1, Math.max(-1, shares[i] / largest));
      const row = 3 * Math.round(127 * (part + 1));
      data[4 * i] = signedTable[row];
      data[4 * i + 1] = signedTable[row + 1];
      data[4 * i + 2] = signedTable[row + 2];
      data[4 * i + 3] = Number.isNaN(part) ? 0 : 255;
    }
    this.pen.putImageData(this.pixels, 0, 0);
    this.outline(this.cellArea(cell), "reader");
    this.word.textContent = this.field.words(cell.row, cell.column, texts);
  }

  outline(area, name, colour) {
    const node = stageNode("i", name, this.marks);
    this.lay(node, area);
    if (colour) node.style.setProperty("--colour", colour);
    return node;
  }
}

class Stage {
  constructor(root) {
    this.root = root;
    this.point = { x: 500, y: 500 };
    this.pinned = null;
    this.scale = "root";
    this.blocks = new Map();
    this.block = null;
    this.tiles = [];
    this.addresses = [];
    this.frames = [];
    this.asked = 0;
    this.tell = () => {};
    this.host = stageNode("div", "stage", root);
    this.host.tabIndex = 0;
    this.host.setAttribute("role", "application");
    this.host.stage = this; // for whoever measures or looks
    this.rows = stageNode("div", "rows", this.host);
    this.legend = stageNode("div", "legend", this.host);
    this.status = stageNode("p", "word");
    this.status.setAttribute("role", "status");
    for (const [name, handle] of [
      ["pointermove", "hover"], ["pointerdown", "press"], ["pointerup", "release"],
      ["pointerleave", "leave"], ["pointercancel", "leave"], ["keydown", "key"],
    ]) this.host.addEventListener(name, (event) => this[handle](event));
  }

  // header: {aspect, rows: [[tile, ...], ...], texts, label}; pictures: addresses of images;
  // table: 255 colours as bytes; signedTable: the same for maps with a sign. The first tile of a row
  // is its picture: {label, alt, picture, whole, region}; a map: {label, colour, map, picture, area,
  // across, down} (stage_packets.py).
  show(header, pictures, table, signedTable = table) {
    Object.assign(this, { header, table, signedTable, texts: header.texts });
    this.addresses = pictures;
    this.host.setAttribute("aria-label", `${header.label}. ${header.texts.hint}`);
    this.host.style.setProperty("--aspect", header.aspect);
    this.host.style.setProperty("--tiles", header.rows[0].length);
    this.host.style.setProperty("--rows", header.rows.length);
    this.host.classList.toggle("two", header.rows.length > 1);
    this.host.classList.toggle("wide", header.rows[0].length < 5);
    this.region = header.rows[0][0].region;
    this.rows.replaceChildren();
    this.drawn = null;
    this.tiles = header.rows.map((tiles) => {
      const row = stageNode("div", "row", this.rows);
      return tiles.map((about) => new Tile(this, row, about));
    });
    this.tiles[0][0].word.replaceWith(this.status);
    this.use(this.block);
  }

  // entries: one a map, row by row: {field: Field}, {image: address, word} or {message}, and {sub}.
  fields(block, entries) {
    this.blocks.set(block, entries);
    if (block === this.block) this.use(block);
  }

  use(block) {
    this.block = block;
    const entries = this.blocks.get(block);
    if (!entries || !this.header) return;
    this.maps().forEach((tile, i) => tile.take(entries[i]));
    this.paint();
  }

  // The server's word on what is chosen.
  choose({ x, y, block, scale }) {
    const told = x === this.pinned?.x && y === this.pinned?.y && block === this.block && scale === this.scale;
    if (told) return; // only what was told from here: it is drawn already
    this.pinned = { x, y };
    this.point = this.pinned;
    this.scale = STAGE_SCALES.includes(scale) ? scale : "root";
    if (block !== this.block) this.use(block);
    else this.paint();
  }

  // Moves are drawn in the next frame, and only the last of them.
  move(point, event) {
    this.point = point;
    this.moved = event?.timeStamp ?? 0;
    if (this.asked) return;
    this.asked = requestAnimationFrame(() => {
      this.asked = 0;
      const began = performance.now();
      this.paint();
      const ended = performance.now();
      this.frames.push([ended - began, ended - this.moved]);
      if (this.frames.length > 2000) this.frames.shift();
    });
  }

  paint() {
    if (!this.header) return;
    // A second picture shows what the same cells read there: the place is the first one's.
    const first = this.tiles[0];
    const cellOf = (tile, i) => (first[i].field ? first[i] : tile).cell(this.point);
    const largest = this.tiles.flatMap((row) => row.map((tile, i) => (tile.isMap ? tile.read(cellOf(tile, i)) : 0)));
    this.most = Math.max(...largest); // one scale for all: the most peaked map here uses the whole of it
    for (const tile of this.maps()) tile.paint(this.most);
    for (const [picture, ...own] of this.tiles) {
      picture.marks.replaceChildren();
      for (const tile of own) {
        if (tile.field && tile.cellShown) picture.outline(tile.cellArea(tile.cellShown), "cell", tile.about.colour);
      }
      picture.outline({ ...this.inside(this.point), width: 0, height: 0 }, "cross");
    }
    this.compare();
    this.drawLegend();
    const held = this.pinned && this.pinned.x === this.point.x && this.pinned.y === this.point.y;
    this.host.classList.toggle("free", !held);
    this.status.textContent = stageFill(held ? this.texts.pinned : this.texts.point, this.point);
  }

  // With a second picture: how much of each reading lies elsewhere there, percent.
  compare() {
    if (this.tiles.length < 2) return;
    const [one, two] = this.tiles;
    for (let i = 1; i < one.length; i += 1) {
      const [a, b] = [one[i].field, two[i]?.field];
      const cell = a && one[i].cell(this.point);
      if (!a || !b || !cell || a.signed || a.shares.length !== b.shares.length) continue;
      let away = 0;
      for (let k = 0; k < a.shares.length; k += 1) away += Math.abs(a.shares[k] - b.shares[k]);
      two[i].offer.hidden = true;
      two[i].word.textContent = stageFill(this.texts.moved, { percent: stagePercent(away / 2) });
    }
  }

  maps() {
    return this.tiles.flat().filter((tile) => tile.isMap);
  }

  // A point of the picture as percent of the tile, and back.
  inside({ x, y }) {
    const { left, top, width, height } = this.region;
    return { left: (100 * (x - left)) / width, top: (100 * (y - top)) / height };
  }

  outside({ left, top }) {
    const { region } = this;
    const whole = (start, side, percent) =>
      Math.min(1000, Math.max(0, Math.round(start + (side * percent) / 100)));
    return { x: whole(region.left, region.width, left), y: whole(region.top, region.height, top) };
  }

  // One bar for the shares, one for cosines, one for other maps with a sign: of these what is shown.
  drawLegend() {
    const kinds = this.maps().filter((tile) => tile.field).map(({ field }) => (field.words ? "signed" : field.signed ? "cosine" : this.scale));
    const images = this.maps().some((tile) => tile.instead?.hidden === false);
    const names = kinds.length || images ? [...new Set(kinds)] : [this.scale];
    if (this.drawn !== names.join(" ")) {
      this.drawn = names.join(" ");
      this.legend.replaceChildren();
      for (const name of names) this.bar(name);
    }
    if (names.includes(this.scale)) this.high.textContent = this.scale === "own" ? this.texts.own_largest : `${stagePercent(this.most)} %`;
  }

  // All colours between their two ends, and what they mean.
  bar(name) {
    const [low, high] = { signed: ["\u2212", "+"], cosine: ["\u22121", "1"] }[name] ?? ["0 %", ""];
    const table = high ? this.signedTable : this.table;
    stageNode("span", "", this.legend, low);
    const bar = stageNode("canvas", "bar", this.legend);
    [bar.width, bar.height] = [255, 1];
    const pen = bar.getContext("2d");
    const line = pen?.createImageData(255, 1);
    for (let i = 0; pen && i < 255; i += 1) line.data.set([...table.slice(3 * i, 3 * i + 3), 255], 4 * i);
    pen?.putImageData(line, 0, 0);
    const end = stageNode("span", "high", this.legend, high);
    if (!high) this.high = end;
    stageNode("span", "", this.legend, this.texts[`scale_${name}`]);
  }

  // The point under the pointer, whichever tile it is on; null beside the tiles.
  under(event) {
    for (const tile of this.tiles.flat()) {
      const area = tile.ground.getBoundingClientRect();
      const x = (event.clientX - area.left) / area.width;
      const y = (event.clientY - area.top) / area.height;
      if (x < 0 || x > 1 || y < 0 || y > 1) continue;
      return this.outside({ left: 100 * x, top: 100 * y });
    }
    return null;
  }

  hover(event) {
    if (event.pointerType !== "mouse" && !event.buttons) return;
    const point = this.under(event);
    if (point) this.move(point, event);
  }

  press(event) {
    const point = this.under(event);
    if (!point) return;
    this.move(point, event);
    if (event.pointerType !== "mouse") event.target.releasePointerCapture?.(event.pointerId);
  }

  release(event) {
    const point = this.under(event);
    if (point) this.pin(point);
  }

  leave() {
    if (this.pinned) this.move(this.pinned);
  }

  pin(point, pause = 0) {
    this.pinned = point;
    this.move(point);
    this.tell({ x: point.x, y: point.y }, pause);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.header) return;
    const turn = { PageUp: -1, PageDown: 1, "[": -1, "]": 1 }[event.key];
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const end = { Home: 0, End: 100 }[event.key];
    if (turn) this.turn(turn);
    else if (way) this.pin(this.neighbour(way), STAGE_PAUSE);
    else if (end !== undefined) this.pin({ x: this.outside({ left: end, top: 0 }).x, y: this.point.y }, STAGE_PAUSE);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // One press is one cell of the first map's grid, from centre to centre.
  neighbour([right, down]) {
    const tile = this.tiles[0].find((one) => one.field && one.cell(this.point));
    const here = this.inside(this.point);
    if (!tile) return this.outside({ left: here.left + 2 * right, top: here.top + 2 * down });
    const cell = tile.cell(this.point);
    const next = { row: cell.row + down, column: cell.column + right };
    if (next.row < 0 || next.column < 0 || next.row >= tile.field.rows || next.column >= tile.field.columns) {
      return this.point;
    }
    const area = tile.cellArea(next);
    const there = this.outside({ left: area.left + area.width / 2, top: area.top + area.height / 2 });
    return { x: right ? there.x : this.point.x, y: down ? there.y : this.point.y };
  }

  rescale(scale) {
    this.scale = scale;
    this.paint();
    this.tell({ scale });
  }

  // To the block before or after, at once where its fields are here already.
  turn(by) {
    const { order } = this.header;
    const place = order.indexOf(this.block) + by;
    if (place < 0 || place >= order.length) return;
    if (this.blocks.has(order[place])) this.use(order[place]);
    this.tell({ block: order[place] }, STAGE_PAUSE);
  }

  remove() {
    if (this.asked) cancelAnimationFrame(this.asked);
    this.host.remove();
  }
}
