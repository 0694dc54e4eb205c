// The stage as a component of the page: unpacks what Python sends, hears the relay, tells Python.

const stages = new WeakMap();

class StageMount {
  constructor(root) {
    this.stage = new Stage(root);
    this.patience = new Patience();
    this.stamp = "";
    this.addresses = [];
    this.images = new Map();
    this.stops = [];
    this.timer = null;
    this.stage.tell = (news, pause) => this.tell(news, pause);
  }

  receive(data) {
    const { header, body } = unpack(data);
    if (header.stamp === this.stamp) return;
    this.stamp = header.stamp;
    this.addresses.forEach((address) => URL.revokeObjectURL(address));
    this.addresses = header.pictures.map(({ mime, offset, length }) =>
      URL.createObjectURL(new Blob([body.subarray(offset, offset + length)], { type: mime })),
    );
    this.stage.blocks.clear();
    this.forget(...this.images.keys());
    const tables = header.tables.map(({ offset, length }) => body.slice(offset, offset + length));
    this.stage.show(header, this.addresses, ...tables);
    this.stops.forEach((stop) => stop());
    this.stops = [
      listen(header.key, (message) => this.hear(message)),
      ...header.order.map((block) => listen(`${header.key}.${block}`, (packet) => this.block(block, packet))),
    ];
  }

  // A block's fields, from a packet of their own.
  block(block, { header, body }) {
    const old = this.images.get(block) ?? [];
    this.images.set(block, []);
    const entries = header.entries.map((entry) => ({
      ...entry,
      field: entry.field ? new (entry.field.signed ? SignedField : Field)(entry.field, body) : null,
      image: entry.image ? this.address(block, entry.image, body) : "",
    }));
    this.stage.fields(block, entries);
    old.forEach((address) => URL.revokeObjectURL(address));
  }

  address(block, { mime, offset, length }, body) {
    const address = URL.createObjectURL(new Blob([body.subarray(offset, offset + length)], { type: mime }));
    this.images.get(block).push(address);
    return address;
  }

  forget(...blocks) {
    for (const block of blocks) {
      this.images.get(block).forEach((address) => URL.revokeObjectURL(address));
      this.images.delete(block);
    }
  }

  // The server's word, unless the visitor has moved on since.
  hear(message) {
    if (this.timer !== null || this.patience.refuses(message.ack)) return;
    this.stage.choose(message);
  }

  tell(news, pause) {
    this.news = { ...this.news, ...news };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = null;
      const n = nextNumber();
      this.patience.start(n);
      this.send({ ...this.stage.pinned, block: this.stage.block, scale: this.stage.scale, ...this.news, n });
      this.news = {};
    }, pause);
  }

  remove() {
    clearTimeout(this.timer);
    this.stops.forEach((stop) => stop());
    this.addresses.forEach((address) => URL.revokeObjectURL(address));
    this.forget(...this.images.keys());
    this.stage.remove();
  }
}

export default function ({ data, parentElement, setStateValue }) {
  let mount = stages.get(parentElement);
  if (!mount) {
    mount = new StageMount(parentElement);
    stages.set(parentElement, mount);
  }
  mount.send = (value) => setStateValue("chosen", value);
  mount.receive(data);
  return () => {
    mount.remove();
    stages.delete(parentElement);
  };
}
