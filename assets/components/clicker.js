// The lecture's keys, its clock and its black screen. Each press counts from the browser's own last
// step, so that none is lost while the server is still drawing an older one.
const WINDOW = "mixscope_window";
const MOVES = {
  PageDown: 1, ArrowRight: 1, PageUp: -1, ArrowLeft: -1,
  Home: -Infinity, End: Infinity,
};
const HIDDEN = "position: absolute !important; visibility: hidden !important; height: 0 !important; overflow: hidden !important";
const SEEN = "position: static !important; visibility: visible !important; height: var(--slot, auto) !important; overflow: visible !important";
const clickers = new WeakMap();

// A window keeps its name when it is loaded again, so that it goes on leading.
function nameOfWindow() {
  let name = sessionStorage.getItem(WINDOW);
  if (!name) {
    name = crypto.getRandomValues(new Uint32Array(4)).join("-");
    sessionStorage.setItem(WINDOW, name);
  }
  return name;
}

// Whether a key belongs to what has the focus: a field, a list, or the stage's own arrows.
function isTaken(event) {
  const path = event.composedPath();
  const inField = path.some((node) => node.matches?.("input, textarea, select, [contenteditable], [role=listbox]"));
  const onStage = path.some((node) => node.matches?.(".stage"));
  return inField || (onStage && event.key.startsWith("Arrow"));
}

class Clicker {
  constructor(root) {
    this.clock = make("div", "clock", root);
    this.clock.setAttribute("role", "timer");
    this.dark = make("div", "dark", root);
    this.patience = new Patience();
    this.step = null;
    this.here = null;
    this.sheet = document.head.appendChild(document.createElement("style"));
    this.news = {};
    this.onKey = (event) => this.key(event);
    document.addEventListener("keydown", this.onKey, true);
    this.dark.addEventListener("click", () => this.tell({ black: false }));
    this.ticking = setInterval(() => this.tick(), 500);
  }

  receive(data) {
    this.data = data;
    if (!this.patience.refuses(data.ack)) {
      this.step = data.step;
      this.black = data.black;
    }
    this.paint();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
    const letter = event.key.toLowerCase();
    if (event.key in MOVES) this.move(MOVES[event.key]);
    else if (letter === "b" || letter === ".") this.tell({ black: !this.black });
    else if (letter === "f") this.tell({ frozen: !this.data.frozen });
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  move(by) {
    const last = this.data.steps.length - 1;
    const at = this.data.steps.indexOf(this.step);
    const to = Math.min(last, Math.max(0, at + by));
    if (to !== at) this.tell({ step: this.data.steps[to] });
  }

  tell(news) {
    if ("step" in news) this.step = news.step;
    if ("black" in news) this.black = news.black;
    const n = nextNumber();
    this.patience.start(n);
    this.send("pressed", { step: this.step, black: this.black, frozen: this.data.frozen, ...news, n });
    this.paint();
  }

  paint() {
    this.show();
    this.dark.hidden = !(this.black && this.data.screen);
    this.dark.setAttribute("aria-label", this.data.texts.black);
    this.tick();
  }

  // Beside the step lie its neighbours, hidden (views/lecture/slots.py): the one that was moved to is
  // seen as soon as it is here, and until then the last one that was.
  show() {
    if (document.querySelector(`.step-${this.step}`)) this.here = this.step;
    const slot = '[class*="st-key-lecture_slot_"]';
    const rules = (where, step) =>
      `${where} ${slot}:has(.step-${step}) {${SEEN}} ${where} ${slot}:not(:has(.step-${step})) {${HIDDEN}}`;
    const wanted = `:has(.step-${this.step})`;
    this.sheet.textContent = rules(`body${wanted}`, this.step) + rules(`body:not(${wanted}):has(.step-${this.here})`, this.here);
  }

  tick() {
    if (!this.data) return;
    const seconds = this.data.started ? Math.max(0, Math.floor(Date.now() / 1000 - this.data.started)) : 0;
    const shown = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    const late = this.data.started && seconds > 60 * this.data.until;
    const words = fill(this.data.texts.clock, { elapsed: shown, planned: this.data.until, total: this.data.total });
    if (this.clock.textContent !== words) this.clock.textContent = words;
    this.clock.classList.toggle("late", Boolean(late));
  }

  remove() {
    document.removeEventListener("keydown", this.onKey, true);
    clearInterval(this.ticking);
    this.sheet.remove();
  }
}

export default function ({ data, parentElement, setStateValue }) {
  let clicker = clickers.get(parentElement);
  if (!clicker) {
    clicker = new Clicker(parentElement);
    clickers.set(parentElement, clicker);
  }
  clicker.send = setStateValue;
  clicker.receive(data);
  const own = nameOfWindow();
  if (data.window !== own) setStateValue("window", own);
  return () => {
    clicker.remove();
    clickers.delete(parentElement);
  };
}
