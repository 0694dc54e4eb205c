// Makes the address what Python says, without a new entry in the browser's history, and says which
// language the page is in. Each state of the address is looked at once: the browser may have gone back since.
let done = "";

// After a restart the new server knows no fragment and no callback of an open page: the first click
// would be lost. So as soon as the browser is connected again the page runs once, before any click.
let again = null;
let watch = null;
function watchConnection() {
  const app = document.querySelector("[data-test-connection-state]");
  if (watch || !app) return;
  let lost = false;
  watch = new MutationObserver(() => {
    const connected = app.dataset.testConnectionState === "CONNECTED";
    if (connected && lost) again?.("returned", Date.now());
    lost = !connected;
  });
  watch.observe(app, { attributeFilter: ["data-test-connection-state"] });
}

export default function ({ data, setTriggerValue }) {
  document.documentElement.lang = data.language;
  if (data.watch) {
    again = setTriggerValue;
    watchConnection();
  }
  if (data.serial === done) return;
  done = data.serial;
  const path = location.pathname.replace(/\/$/, "");
  if (data.page && !path.endsWith(`/${data.page}`)) return; // the visitor is on another page by now
  const wanted = data.query ? `?${data.query}` : "";
  if (location.search === wanted) return;
  history.replaceState(history.state, "", location.pathname + wanted + location.hash);
}
