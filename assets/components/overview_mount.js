// The overview as a component of the page: unpacks what Python sends, hears the relay, tells Python.

const overviews = new WeakMap();

class OverviewMount {
  constructor(root) {
    this.overview = new Overview(root);
    this.overview.tell = (news) => this.tell(news);
    this.patience = new Patience();
    this.stamp = "";
    this.stops = [];
  }

  receive(data) {
    const { header, body } = unpack(data);
    if (header.stamp === this.stamp) return;
    this.stamp = header.stamp;
    const [picture, table] = [header.picture, header.table].map(({ offset, length }) => body.slice(offset, offset + length));
    const letters = Array.from(picture, (byte) => String.fromCharCode(byte)).join("");
    // In the address itself, so that a saved file carries the picture.
    this.overview.show(header, `data:${header.picture.mime};base64,${btoa(letters)}`, table);
    this.stops.forEach((stop) => stop());
    this.stops = [
      listen(header.key, (message) => this.hear(message)),
      listen(`${header.key}.map`, ({ header: { entries }, body: bytes }) => {
        const [{ sub, field, message }] = entries;
        this.overview.map(sub, field ? { field: new Field(field, bytes) } : { message });
      }),
    ];
  }

  // The server's word, unless the visitor has moved on since.
  hear(message) {
    if (!this.patience.refuses(message.ack)) this.overview.choose(message);
  }

  tell(news) {
    const n = nextNumber();
    this.patience.start(n);
    this.send({ ...this.overview.point, open: "", ...news, n });
  }

  remove() {
    this.stops.forEach((stop) => stop());
    this.overview.remove();
  }
}

export default function ({ data, parentElement, setStateValue }) {
  let mount = overviews.get(parentElement);
  if (!mount) {
    mount = new OverviewMount(parentElement);
    overviews.set(parentElement, mount);
  }
  mount.send = (value) => setStateValue("gone", value);
  mount.receive(data);
  return () => {
    mount.remove();
    overviews.delete(parentElement);
  };
}
