// Patch picker: the visitor's picture, each model's view box on it, and one selected point.
// All places are thousandths of the upright picture. The picture comes once (see wire.js); the
// point comes through the relay. A click or a key moves the marker at once and then tells Python.

const SVG = "http://www.w3.org/2000/svg";
const DEBOUNCE_MS = 80;
const FINE_STEP = 10;
const DASH = 14;
const pickers = new WeakMap();

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const whole = (value) => clamp(Math.round(value), 0, 1000);

// The cell of a box's grid that holds the point, or null outside the box. The same integers as in
// vislib/pictures/geometry.py (cell_at): edges come in parts of a thousand million, so that both
// sides agree on every border. A product stays below 2 ** 53, where numbers are exact.
function placeOf(thousandths, [start, length], count) {
  const into = thousandths * 1e6 - start;
  if (into < 0 || into > length) return null;
  return Math.min(Math.floor((into * count) / length), count - 1);
}

function cellAt(box, point) {
  const row = placeOf(point.y, box.down, box.rows);
  const column = placeOf(point.x, box.across, box.columns);
  return row === null || column === null ? null : { row, column };
}

function cellCentre(box, cell) {
  return {
    x: whole(box.left + ((cell.column + 0.5) * box.width) / box.columns),
    y: whole(box.top + ((cell.row + 0.5) * box.height) / box.rows),
  };
}

function cellRectangle(box, cell) {
  const width = box.width / box.columns;
  const height = box.height / box.rows;
  return {
    left: box.left + cell.column * width,
    top: box.top + cell.row * height,
    width,
    height,
    colour: box.colour,
  };
}

function rectangle(group, area, name) {
  const node = document.createElementNS(SVG, "rect");
  for (const [place, side] of [["x", "left"], ["y", "top"], ["width", "width"], ["height", "height"]]) {
    node.setAttribute(place, area[side]);
  }
  node.setAttribute("class", name);
  return group.appendChild(node);
}

// All dark strokes come first: they keep the colours readable on any picture and hide none.
function outlines(group, areas, thin, dashes) {
  const suffix = thin ? " thin" : "";
  for (const area of areas) rectangle(group, area, `below${suffix}`);
  areas.forEach((area, i) => {
    const node = rectangle(group, area, `line${suffix}`);
    node.style.stroke = area.colour;
    if (dashes[i]) {
      node.style.strokeDasharray = dashes[i].array;
      node.style.strokeDashoffset = dashes[i].offset;
    }
  });
}

function gridLines(group, box) {
  let path = "";
  for (let column = 1; column < box.columns; column += 1) {
    path += `M${box.left + (column * box.width) / box.columns} ${box.top}v${box.height}`;
  }
  for (let row = 1; row < box.rows; row += 1) {
    path += `M${box.left} ${box.top + (row * box.height) / box.rows}h${box.width}`;
  }
  for (const name of ["grid below", "grid line"]) {
    const node = document.createElementNS(SVG, "path");
    node.setAttribute("d", path);
    node.setAttribute("class", name);
    if (name === "grid line") node.style.stroke = box.colour;
    group.appendChild(node);
  }
}

// Boxes that coincide share one outline in turns, so that no colour hides another.
function dashOf(box, boxes) {
  const same = boxes.filter((other) =>
    ["left", "top", "width", "height"].every((side) => Math.abs(other[side] - box[side]) < 2),
  );
  if (same.length < 2) return null;
  return { array: `${DASH} ${DASH * (same.length - 1)}`, offset: -DASH * same.indexOf(box) };
}

const MARKER = `<svg viewBox="-24 -24 48 48" width="48" height="48" aria-hidden="true">
  <g fill="none"><path class="dark" d="M0-23V-9M0 9V23M-23 0H-9M9 0H23"/><circle class="dark" r="11"/>
  <path class="light" d="M0-22V-10M0 10V22M-22 0H-10M10 0H22"/><circle class="light" r="11"/></g></svg>`;

class PatchPicker {
  constructor(root) {
    this.root = root;
    this.point = { x: 500, y: 500 };
    this.cells = null;
    this.patience = new Patience();
    this.timer = null;
    this.stamp = "";
    this.build();
  }

  build() {
    this.host = make("div", "picker");
    this.frame = make("div", "frame", this.host);
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "application");
    this.picture = make("img", "picture", this.frame);
    this.picture.alt = "";
    this.picture.draggable = false;
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", "0 0 1000 1000");
    drawing.setAttribute("preserveAspectRatio", "none");
    drawing.setAttribute("class", "drawing");
    drawing.setAttribute("aria-hidden", "true");
    this.boxLayer = drawing.appendChild(document.createElementNS(SVG, "g"));
    this.cellLayer = drawing.appendChild(document.createElementNS(SVG, "g"));
    this.frame.appendChild(drawing);
    this.marker = make("div", "marker", this.frame);
    this.marker.innerHTML = MARKER;
    this.place = make("p", "place", this.host);
    this.place.setAttribute("role", "status");
    this.legend = make("ul", "legend", this.host);
    this.frame.addEventListener("click", (event) => this.click(event));
    this.frame.addEventListener("keydown", (event) => this.key(event));
    this.root.appendChild(this.host);
  }

  receive(data) {
    const { header, body } = unpack(data);
    if (header.stamp === this.stamp) return;
    this.stamp = header.stamp;
    this.header = header;
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = URL.createObjectURL(new Blob([body], { type: header.mime }));
    this.picture.src = this.address;
    this.frame.style.setProperty("--aspect", header.width / header.height);
    this.frame.setAttribute("aria-label", `${header.label}. ${header.texts.hint}`);
    this.drawBoxes();
    this.drawLegend();
    this.stop?.();
    this.stop = listen(header.key, (message) => this.hear(message));
    this.paint();
  }

  drawBoxes() {
    const boxes = this.header.boxes;
    this.boxLayer.replaceChildren();
    for (const box of boxes) {
      if (box.grid_lines && box.rows > 0 && box.columns > 0) gridLines(this.boxLayer, box);
    }
    outlines(this.boxLayer, boxes, false, boxes.map((box) => dashOf(box, boxes)));
  }

  drawLegend() {
    this.legend.replaceChildren();
    this.legendCells = this.header.boxes.map((box) => {
      const item = make("li", "", this.legend);
      make("span", "swatch", item).style.background = box.colour;
      make("span", "name", item).textContent = box.label;
      return make("span", "cell", item);
    });
  }

  // The server's word, unless the visitor has moved on since.
  hear(message) {
    if (this.timer !== null || this.patience.refuses(message.ack)) return;
    this.point = { x: message.x, y: message.y };
    this.cells = message.cells.length ? { point: this.point, areas: message.cells } : null;
    this.paint();
  }

  paint() {
    if (!this.header) return;
    const { texts, boxes } = this.header;
    this.marker.style.left = `${this.point.x / 10}%`;
    this.marker.style.top = `${this.point.y / 10}%`;
    const own = boxes.map((box) => (box.rows > 0 && box.columns > 0 ? cellAt(box, this.point) : null));
    const exact = this.cells && this.cells.point === this.point ? this.cells.areas : null;
    this.cellLayer.replaceChildren();
    const areas = exact ?? boxes.flatMap((box, i) => (own[i] ? [cellRectangle(box, own[i])] : []));
    // Large cells first, so that a small one inside is not covered.
    outlines(this.cellLayer, [...areas].sort((a, b) => b.width * b.height - a.width * a.height), true, []);
    let spoken = "";
    boxes.forEach((box, i) => {
      const hasGrid = box.rows > 0 && box.columns > 0;
      const text = own[i]
        ? fill(texts.cell, { row: own[i].row + 1, column: own[i].column + 1 })
        : hasGrid ? texts.outside : "";
      this.legendCells[i].textContent = text;
      this.legendCells[i].classList.toggle("outside", hasGrid && !own[i]);
      if (i === 0 && text) spoken = text;
    });
    const place = fill(texts.point, this.point);
    this.place.textContent = spoken ? `${place}: ${spoken}` : place;
  }

  click(event) {
    const area = this.frame.getBoundingClientRect();
    const x = whole((1000 * (event.clientX - area.left - this.frame.clientLeft)) / this.frame.clientWidth);
    const y = whole((1000 * (event.clientY - area.top - this.frame.clientTop)) / this.frame.clientHeight);
    this.frame.focus({ preventScroll: true });
    this.move({ x, y }, 0);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.header) return;
    const target = this.keyTarget(event.key, event.shiftKey);
    if (!target) return;
    event.preventDefault();
    event.stopPropagation();
    this.move({ x: whole(target.x), y: whole(target.y) }, DEBOUNCE_MS);
  }

  keyTarget(key, fine) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
    if (way && fine) return { x: this.point.x + way[0] * FINE_STEP, y: this.point.y + way[1] * FINE_STEP };
    if (way) return this.neighbour(way);
    const far = { Home: [-1, 0], End: [1, 0], PageUp: [0, -1], PageDown: [0, 1] }[key];
    return far ? this.edge(far) : null;
  }

  // One press is one cell of the first model's grid, from centre to centre: rounded steps would
  // drift and now and then stay in the same cell. Outside the grid, a press is `step`.
  neighbour([right, down]) {
    const box = this.header.boxes[0];
    const cell = box && box.rows > 0 && box.columns > 0 ? cellAt(box, this.point) : null;
    if (cell) {
      const next = { row: cell.row + down, column: cell.column + right };
      const centre = cellCentre(box, next);
      if (next.row >= 0 && next.row < box.rows && next.column >= 0 && next.column < box.columns) {
        return { x: right ? centre.x : this.point.x, y: down ? centre.y : this.point.y };
      }
    }
    const [stepX, stepY] = this.header.step;
    return { x: this.point.x + right * stepX, y: this.point.y + down * stepY };
  }

  edge([right, down]) {
    const box = this.header.boxes[0];
    const ends = { x: right < 0 ? 0 : 1000, y: down < 0 ? 0 : 1000 };
    if (box && box.rows > 0 && box.columns > 0) {
      const last = { row: down < 0 ? 0 : box.rows - 1, column: right < 0 ? 0 : box.columns - 1 };
      Object.assign(ends, cellCentre(box, last));
    }
    return { x: right ? ends.x : this.point.x, y: down ? ends.y : this.point.y };
  }

  move(point, delay) {
    this.point = point;
    this.paint();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), delay);
  }

  tell() {
    this.timer = null;
    const n = nextNumber();
    this.patience.start(n);
    this.send({ x: this.point.x, y: this.point.y, n });
  }

  remove() {
    clearTimeout(this.timer);
    this.stop?.();
    if (this.address) URL.revokeObjectURL(this.address);
    this.host.remove();
    pickers.delete(this.root);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  let picker = pickers.get(parentElement);
  if (!picker) {
    picker = new PatchPicker(parentElement);
    pickers.set(parentElement, picker);
  }
  picker.send = (value) => setStateValue("point", value);
  picker.receive(data);
  return () => picker.remove();
}
