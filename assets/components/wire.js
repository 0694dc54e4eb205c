// What both components share: reading the packed payload, and hearing the relay. Python puts this
// text in front of each component's own file, because a component is one module.

// Tells numbers of one visitor's actions apart: they rise, also after the page was left and entered again.
let lastNumber = 0;
function nextNumber() {
  lastNumber = Math.max(Date.now(), lastNumber + 1);
  return lastNumber;
}

// uint32 (little endian) length of the header, the header as JSON, then raw bytes.
function unpack(data) {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(data.subarray(4, 4 + length)));
  return { header, body: data.subarray(4 + length) };
}

// The relay is a second, tiny component: it carries what changes with every click, so that the
// picture or the tiles are not sent again. Both meet here; either may come first.
function listen(target, listener) {
  const board = (globalThis.mixscopeRelay ??= new Map());
  const entry = board.get(target) ?? { latest: null, listener: null };
  entry.listener = listener;
  board.set(target, entry);
  if (entry.latest) listener(entry.latest);
  return () => {
    if (board.get(target) === entry && entry.listener === listener) board.delete(target);
  };
}

// Guards the visitor's newest action against answers to older ones that are still under way.
class Patience {
  constructor() {
    this.number = 0;
    this.since = 0;
  }
  start(number) {
    this.number = number;
    this.since = Date.now();
  }
  // After 15 s without an answer the server's word counts again.
  refuses(ack) {
    return this.number > (ack ?? 0) && Date.now() - this.since < 15000;
  }
}

function make(tag, className, parent) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (parent) parent.appendChild(node);
  return node;
}

// "row {row}" with { row: 3 } -> "row 3".
function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}
