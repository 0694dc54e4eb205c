// Makes the address what Python says, without a new entry in the browser's history, and says which
// language the page is in. Each state of the address is looked at once: the browser may have gone back since.
let done = "";

export default function ({ data }) {
  document.documentElement.lang = data.language;
  if (data.serial === done) return;
  done = data.serial;
  const path = location.pathname.replace(/\/$/, "");
  if (data.page && !path.endsWith(`/${data.page}`)) return; // the visitor is on another page by now
  const wanted = data.query ? `?${data.query}` : "";
  if (location.search === wanted) return;
  history.replaceState(history.state, "", location.pathname + wanted + location.hash);
}
