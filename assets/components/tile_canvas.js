// Tile canvas: many small maps as one canvas, enlarged by a whole factor. The numbers come once as
// bytes (see wire.js): n * rows * columns indices into a table of 256 colours, or RGB. Which tile is
// selected comes through the relay and moves one outline; the canvas is not drawn again.

const GAP = 2;
const LARGEST_CANVAS = 16000000;
const DEBOUNCE_MS = 80;
const NO_VALUE = 255;
const canvases = new WeakMap();

class TileCanvas {
  constructor(root) {
    this.root = root;
    this.stamp = "";
    this.selected = null;
    this.current = 0;
    this.timer = null;
    this.patience = new Patience();
    this.build();
  }

  build() {
    this.host = make("div", "tiles");
    this.stage = make("div", "stage", this.host);
    this.stage.tabIndex = 0;
    this.stage.setAttribute("role", "application");
    this.canvas = make("canvas", "", this.stage);
    this.canvas.setAttribute("aria-hidden", "true");
    this.mark = make("div", "mark", this.stage);
    this.cursor = make("div", "cursor", this.stage);
    this.tip = make("div", "tip", this.stage);
    this.tip.setAttribute("aria-hidden", "true");
    this.live = make("div", "live", this.host);
    this.live.setAttribute("role", "status");
    this.stage.addEventListener("pointermove", (event) => this.hover(event));
    this.stage.addEventListener("pointerleave", () => this.hideTip());
    this.stage.addEventListener("click", (event) => this.click(event));
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("blur", () => this.hideTip());
    this.root.appendChild(this.host);
    this.observer = new ResizeObserver(() => this.draw(false));
    this.observer.observe(this.host);
  }

  receive(data) {
    const { header, body } = unpack(data);
    const fresh = header.stamp !== this.stamp;
    if (fresh) {
      this.stamp = header.stamp;
      this.header = header;
      const size = header.count * header.rows * header.columns;
      // Copies: the payload's own buffer may be shared with other messages.
      this.numbers = body.slice(0, header.rgb ? size * 3 : size);
      this.table = header.rgb ? null : body.slice(size, size + 768);
      this.current = Math.min(this.current, header.count - 1);
      this.stage.setAttribute("aria-label", `${header.alt}. ${header.texts.hint}`);
      this.sheet = this.paintSheet();
      this.hideTip();
      this.stop?.();
      this.stop = listen(header.key, (message) => this.hear(message));
    }
    // A call with the same bytes means that the theme changed: captions take its text colour.
    this.draw(true);
  }

  // All tiles below each other, one canvas pixel a number.
  paintSheet() {
    const { count, rows, columns, rgb } = this.header;
    const image = new ImageData(columns, rows * count);
    for (let i = 0; i < count * rows * columns; i += 1) {
      const source = rgb ? this.numbers : this.table;
      const from = 3 * (rgb ? i : this.numbers[i]);
      const opaque = rgb || this.numbers[i] !== NO_VALUE ? 255 : 0;
      image.data.set([source[from], source[from + 1], source[from + 2], opaque], 4 * i);
    }
    // A canvas has a largest height (32,767), so long stacks are kept as strips of whole tiles.
    const strips = [];
    const perStrip = Math.max(1, Math.floor(8000 / rows));
    for (let first = 0; first < count; first += perStrip) {
      const tiles = Math.min(perStrip, count - first);
      const strip = document.createElement("canvas");
      strip.width = columns;
      strip.height = tiles * rows;
      strip.getContext("2d").putImageData(image, 0, -first * rows);
      strips.push(strip);
    }
    return { strips, perStrip };
  }

  // Sizes in device pixels, so that one number is a whole number of them at any zoom.
  measure() {
    const { count, rows, columns, tile_px: wanted, per_row: fixed, captions } = this.header;
    const group = this.header.group || 1;
    const room = this.host.clientWidth;
    let ratio = globalThis.devicePixelRatio || 1;
    const rough = count * (wanted + GAP) * ((wanted * rows) / columns + GAP) * ratio * ratio;
    if (rough > LARGEST_CANVAS) ratio = Math.max(0.5, ratio * Math.sqrt(LARGEST_CANVAS / rough));
    const gap = Math.max(1, Math.round((this.header.gap || GAP) * ratio));
    const wide = Math.floor(room * ratio);
    let cell = Math.max(1, Math.round((wanted * ratio) / columns));
    if (fixed) cell = Math.min(cell, Math.floor(((wide + gap) / fixed - gap) / columns));
    cell = Math.max(1, Math.min(cell, Math.floor(wide / columns)));
    const fits = Math.max(1, Math.floor((wide + gap) / (cell * columns + gap)));
    let across = Math.max(1, Math.min(count, fixed ? Math.min(fixed, fits) : fits));
    // Tiles that belong together stay in one row, with a wider gap to the next ones.
    const between = group > 1 ? Math.round(6 * GAP * ratio) : 0;
    const total = (n) => n * (cell * columns + gap) - gap + (Math.ceil(n / group) - 1) * between;
    while (across > 1 && total(across) > wide) across -= 1;
    if (across > group) across -= across % group;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    const caption = captions.length ? Math.round(rem * 1.05 * ratio) : 0;
    const width = cell * columns;
    const height = cell * rows;
    return { room, ratio, gap, cell, across, caption, width, height, rem, group, between,
      total: total(across),
      stepX: width + gap, stepY: height + gap + caption };
  }

  draw(force) {
    if (!this.header || this.host.clientWidth === 0) return;
    const size = this.measure();
    const old = this.size;
    if (!force && old && old.room === size.room && old.ratio === size.ratio) return;
    this.size = size;
    const down = Math.ceil(this.header.count / size.across);
    this.canvas.width = size.total;
    this.canvas.height = down * size.stepY - size.gap;
    this.canvas.style.width = `${this.canvas.width / size.ratio}px`;
    this.canvas.style.height = `${this.canvas.height / size.ratio}px`;
    const pen = this.canvas.getContext("2d");
    pen.imageSmoothingEnabled = false;
    const { rows, columns, count } = this.header;
    for (let tile = 0; tile < count; tile += 1) {
      const { x, y } = this.corner(tile);
      const strip = this.sheet.strips[Math.floor(tile / this.sheet.perStrip)];
      const row = (tile % this.sheet.perStrip) * rows;
      pen.drawImage(strip, 0, row, columns, rows, x, y, size.width, size.height);
    }
    this.drawCaptions(pen);
    this.paintMarks();
  }

  drawCaptions(pen) {
    const { captions } = this.header;
    if (!captions.length) return;
    const { ratio, rem, width, height } = this.size;
    const style = getComputedStyle(this.host);
    pen.font = `${Math.round(rem * 0.72 * ratio)}px ${style.fontFamily}`;
    pen.fillStyle = style.color;
    pen.textAlign = "center";
    pen.textBaseline = "top";
    captions.forEach((caption, tile) => {
      const { x, y } = this.corner(tile);
      let text = caption;
      while (text.length > 1 && pen.measureText(text).width > width) {
        text = `${text.replace(/…$/, "").slice(0, -1)}…`;
      }
      pen.fillText(text, x + width / 2, y + height + Math.round(5 * ratio));
    });
  }

  corner(tile) {
    const { across, stepX, stepY, group, between } = this.size;
    const place = tile % across;
    return { x: place * stepX + Math.floor(place / group) * between, y: Math.floor(tile / across) * stepY };
  }

  // The tile, row and column (from 0) under a pointer, or null in a gap.
  find(event) {
    if (!this.size) return null;
    const area = this.canvas.getBoundingClientRect();
    const { ratio, stepX, stepY, width, height, cell, across, group, between } = this.size;
    const x = (event.clientX - area.left) * ratio;
    const y = (event.clientY - area.top) * ratio;
    if (x < 0 || y < 0) return null;
    const groupX = group * stepX + between;
    const groups = Math.floor(x / groupX);
    const member = Math.min(group - 1, Math.floor((x - groups * groupX) / stepX));
    const across0 = groups * group + member;
    const tile = Math.floor(y / stepY) * across + across0;
    const inX = x - groups * groupX - member * stepX;
    const inY = y - Math.floor(y / stepY) * stepY;
    if (across0 >= across || tile >= this.header.count || inX >= width || inY >= height) return null;
    return { tile, row: Math.floor(inY / cell), column: Math.floor(inX / cell) };
  }

  // The index stands for a range; as many decimals as it can carry.
  describe({ tile, row, column }) {
    const { rows, columns, limits, unit, texts, rgb, labels } = this.header;
    const at = fill(texts.cell, { row: row + 1, column: column + 1 });
    if (rgb || limits === null) return [labels[tile], at];
    const [low, high] = limits;
    const index = this.numbers[(tile * rows + row) * columns + column];
    if (index === NO_VALUE) return [labels[tile], at];
    const step = (high - low) / (NO_VALUE - 1);
    const value = low + step * index;
    const decimals = step > 0 ? Math.min(12, Math.max(0, Math.ceil(-Math.log10(step)))) : 3;
    let text = value.toFixed(decimals);
    // Zero of a symmetric scale lies between two indices: "-0.00" would look like a sign.
    if (Number(text) === 0) text = text.replace("-", "");
    return [labels[tile], at, `≈ ${text.replace("-", "\u2212")}${unit ? ` ${unit}` : ""}`];
  }

  hover(event) {
    const found = this.find(event);
    if (!found) return this.hideTip();
    const area = this.stage.getBoundingClientRect();
    this.showTip(this.describe(found), event.clientX - area.left, event.clientY - area.top);
  }

  showTip(lines, x, y) {
    this.tip.replaceChildren();
    for (const line of lines) make("div", "", this.tip).textContent = line;
    this.tip.style.display = "block";
    const room = this.host.clientWidth;
    const left = x + 16 + this.tip.offsetWidth > room ? x - 16 - this.tip.offsetWidth : x + 16;
    this.tip.style.left = `${Math.max(0, Math.min(left, room - this.tip.offsetWidth))}px`;
    const below = y + 18 + this.tip.offsetHeight <= this.stage.clientHeight || y < this.tip.offsetHeight + 12;
    this.tip.style.top = `${below ? y + 18 : y - 12 - this.tip.offsetHeight}px`;
  }

  hideTip() {
    this.tip.style.display = "none";
  }

  hear(message) {
    if (this.timer !== null || this.patience.refuses(message.ack)) return;
    this.selected = message.selected;
    if (this.selected !== null) this.current = this.selected;
    this.paintMarks();
  }

  paintMarks() {
    if (!this.size) return;
    for (const [node, tile] of [[this.mark, this.selected], [this.cursor, this.current]]) {
      const shown = tile !== null && tile >= 0 && tile < this.header.count;
      node.hidden = !shown;
      if (!shown) continue;
      const { x, y } = this.corner(tile);
      const { ratio, width, height } = this.size;
      node.style.left = `${x / ratio}px`;
      node.style.top = `${y / ratio}px`;
      node.style.width = `${width / ratio}px`;
      node.style.height = `${height / ratio}px`;
    }
  }

  speak(template) {
    const { labels, count, texts } = this.header;
    const values = { label: labels[this.current], number: this.current + 1, count };
    this.live.textContent = fill(texts[template], values);
  }

  click(event) {
    const found = this.find(event);
    this.stage.focus({ preventScroll: true });
    if (found) this.select(found.tile, 0);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !this.size) return;
    const last = this.header.count - 1;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.hideTip();
      return this.select(this.current, DEBOUNCE_MS);
    }
    const across = this.size.across;
    const way = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    let target = null;
    if (way) target = this.current + way;
    if (event.key === "Home") target = 0;
    if (event.key === "End") target = last;
    if (target === null) return;
    event.preventDefault();
    event.stopPropagation();
    if (target < 0 || target > last) return;
    this.current = target;
    this.paintMarks();
    this.cursor.scrollIntoView({ block: "nearest" });
    const { x, y } = this.corner(target);
    this.showTip([this.header.labels[target]], x / this.size.ratio, (y + this.size.height) / this.size.ratio);
    this.speak("focused");
  }

  select(tile, delay) {
    this.selected = tile;
    this.current = tile;
    this.paintMarks();
    this.speak("chosen");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      const n = nextNumber();
      this.patience.start(n);
      this.send({ index: tile, n });
    }, delay);
  }

  remove() {
    clearTimeout(this.timer);
    this.observer.disconnect();
    this.stop?.();
    this.host.remove();
    canvases.delete(this.root);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  let canvas = canvases.get(parentElement);
  if (!canvas) {
    canvas = new TileCanvas(parentElement);
    canvases.set(parentElement, canvas);
  }
  canvas.send = (value) => setStateValue("tile", value);
  canvas.receive(data);
  return () => canvas.remove();
}
