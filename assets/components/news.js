// Hears from the server that the lecture has changed, over the plain route that the phones use, and
// then asks for one run of the page. While nobody looks at the page it asks for nothing.
const watches = new WeakMap();

class Watch {
  constructor() {
    this.stopped = false;
    this.onShown = () => { if (document.hidden) this.open?.abort(); else this.wake?.(); };
    document.addEventListener("visibilitychange", this.onShown);
  }

  receive({ version, turn, leads }) {
    this.version ??= version;
    this.leads = leads;
    if (leads || this.turn === undefined) this.turn = turn;
    if (this.running) return;
    this.running = true;
    this.follow();
  }

  async follow() {
    while (!this.stopped) {
      if (document.hidden) await new Promise((done) => { this.wake = done; });
      try {
        this.open = new AbortController();
        const options = { cache: "no-store", signal: this.open.signal };
        const reply = await fetch(`room/state?after=${this.version}`, options);
        if (reply.status === 200) this.tell(await reply.json());
        else if (reply.status !== 204) throw new Error(String(reply.status));
      } catch {
        await new Promise((done) => setTimeout(done, 1000));
      }
    }
  }

  // The window that leads has made its own moves; a run that it asks for would bring the step back
  // that its list still shows. What it must hear is that another window leads now.
  tell({ version, turn }) {
    const news = this.leads ? turn !== this.turn : version !== this.version;
    [this.version, this.turn] = [version, turn];
    if (news && !this.stopped) this.send("version", version);
  }

  stop() {
    this.stopped = true;
    this.open?.abort();
    document.removeEventListener("visibilitychange", this.onShown);
    this.wake?.();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  let watch = watches.get(parentElement);
  if (!watch) {
    watch = new Watch();
    watches.set(parentElement, watch);
  }
  watch.send = setTriggerValue;
  watch.receive(data);
  return () => {
    watch.stop();
    watches.delete(parentElement);
  };
}
