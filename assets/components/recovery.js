// When the connection is lost: says whether it is this device's own link or the server, in place of
// Streamlit's window; and lets the page run as soon as the server is back, before any click. (A new
// server knows no fragment and no callback of an open page: the first click would be lost.)
const RECOVERY_EVERY = 1000; // ms between two questions to the server, while the page can be seen
const RECOVERY_PATIENCE = 8000; // ms that Streamlit gets to connect once the server answers
const recovery = { app: null, again: null, texts: {}, lost: false, answered: 0, timer: 0, asked: 0 };

// The server's health route, wherever below the server's address the app lies.
function recoveryHealth() {
  const own = document.querySelector('script[src*="static/js/"]')?.src ?? location.href;
  return new URL("_stcore/health", own.includes("static/js/") ? own.split("static/js/")[0] : own);
}

function recoveryBanner() {
  let banner = document.getElementById("mixscope_lost");
  if (!banner) {
    banner = document.createElement("div");
    banner.id = "mixscope_lost";
    banner.setAttribute("role", "status");
    document.body.append(banner);
  }
  return banner;
}

function recoverySay(name) {
  const banner = recoveryBanner();
  const words = name ? recovery.texts[name] : "";
  banner.dataset.why = name;
  if (banner.textContent !== words) banner.textContent = words;
  banner.hidden = !name;
}

// Streamlit's window asks about the internet; closing it keeps it away until the next loss.
function recoveryClose() {
  for (const dialog of document.querySelectorAll('[role="dialog"]')) {
    if (dialog.textContent.startsWith("Connection error")) {
      dialog.querySelector('button[aria-label="Close"]')?.click();
    }
  }
}

async function recoveryReached() {
  try {
    const signal = AbortSignal.timeout(3000);
    return (await fetch(recoveryHealth(), { cache: "no-store", signal })).ok;
  } catch {
    return false;
  }
}

// A server on this very machine needs no network.
function recoveryWhy() {
  const own = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  return navigator.onLine || own ? "server" : "own";
}

async function recoveryAsk() {
  clearTimeout(recovery.timer);
  if (document.hidden) return; // it asks again when it can be seen
  const asked = (recovery.asked += 1);
  const reached = await recoveryReached();
  if (asked !== recovery.asked) return; // another question is newer
  recovery.answered = reached ? recovery.answered || Date.now() : 0;
  if (reached) recoverySay(recovery.lost ? "back" : "");
  else recoverySay(recoveryWhy());
  if (!recovery.lost && reached) return;
  if (reached && Date.now() - recovery.answered > RECOVERY_PATIENCE) location.reload();
  else recovery.timer = setTimeout(recoveryAsk, RECOVERY_EVERY);
}

function recoveryLook() {
  const connected = recovery.app.dataset.testConnectionState === "CONNECTED";
  if (connected && recovery.lost) {
    recovery.lost = false;
    recovery.asked += 1;
    clearTimeout(recovery.timer);
    recovery.windows.disconnect();
    recoverySay("");
    recovery.again?.("returned", Date.now());
  } else if (!connected && !recovery.lost) {
    recovery.lost = true;
    recovery.answered = 0;
    recovery.windows.observe(document.body, { childList: true, subtree: true });
    recoveryAsk();
  }
}

export default function ({ data, setTriggerValue }) {
  recovery.again = setTriggerValue;
  recovery.texts = data.texts;
  const app = document.querySelector("[data-test-connection-state]");
  if (recovery.app || !app) return;
  recovery.app = app;
  recovery.windows = new MutationObserver(recoveryClose);
  new MutationObserver(recoveryLook).observe(app, { attributeFilter: ["data-test-connection-state"] });
  for (const name of ["visibilitychange", "online", "offline"]) {
    (name === "visibilitychange" ? document : window).addEventListener(name, recoveryAsk);
  }
}
