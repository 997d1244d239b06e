/**
 * The demo page's script: lists the presentations, plays the chosen one, and shows where each response came from.
 * `#name` in the address chooses a presentation at once; `#name:native` in the browser's own player.
 */

const sets = JSON.parse(element("sets").textContent);
const video = element("video");
const rowsMax = 200;
let hls = null;
let chosen = null;
let startedAt = 0;
let responses = { all: 0, hits: 0 };

for (const set of sets) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.name = set.name;
  button.append(set.title);
  const note = document.createElement("small");
  note.append(set.note);
  button.append(note);
  button.addEventListener("click", () => choose(set));
  const item = document.createElement("li");
  item.append(button);
  element("list").append(item);
}

for (const radio of document.querySelectorAll("input[name=engine]")) {
  radio.addEventListener("change", () => chosen && choose(chosen));
}
element("again").addEventListener("click", () => chosen && choose(chosen));
for (const type of ["playing", "pause", "waiting", "seeking", "stalled", "ended", "loadstart", "emptied"]) {
  video.addEventListener(type, () => {
    if (element("error").hidden) show("state", stateNames[type] ?? type);
  });
}
video.addEventListener("playing", () => {
  if (startedAt > 0) show("first-frame", `after ${Math.round(performance.now() - startedAt)} ms`);
  startedAt = 0;
});
for (const type of ["timeupdate", "progress", "durationchange", "resize", "loadedmetadata"]) {
  video.addEventListener(type, showProgress);
}
video.addEventListener("error", () => {
  if (video.error) fail(`The video element failed: ${video.error.message || `code ${video.error.code}`}`);
});

const stateNames = { playing: "playing", pause: "paused", ended: "ended", loadstart: "loading", emptied: "idle" };
const [name, engine] = decodeURIComponent(location.hash.slice(1)).split(":");
const first = sets.find((set) => set.name === name);
if (engine === "native") document.querySelector("input[value=native]").checked = true;
if (first) {
  // Nobody has clicked yet, and browsers start only muted video by themselves.
  video.muted = true;
  choose(first);
}

/** Plays a presentation from its beginning and clears what the last one left on the page. */
function choose(set) {
  chosen = set;
  element("error").hidden = true;
  stop();
  for (const button of element("list").querySelectorAll("button")) {
    button.setAttribute("aria-current", String(button.dataset.name === set.name));
  }
  element("again").disabled = false;
  element("rows").replaceChildren();
  responses = { all: 0, hits: 0 };
  show("share", "none");
  show("first-frame", "not yet");
  show("address", set.url);
  startedAt = performance.now();
  const wantsNative = document.querySelector("input[value=native]").checked;
  if (set.kind === "progressive" || wantsNative) playNative(set);
  else playWithHlsJs(set);
}

function playNative(set) {
  show("traffic-note", "The browser's own player does not tell of its responses.");
  video.src = set.url;
  play();
}

function playWithHlsJs(set) {
  if (!globalThis.Hls?.isSupported()) {
    fail("hls.js cannot play in this browser; choose the native player.");
    return;
  }
  show("traffic-note", "Newest first.");
  hls = new globalThis.Hls({ xhrSetup: watch, enableWorker: true });
  hls.on("hlsError", (_event, data) => {
    if (data.fatal)
      fail(`hls.js: ${data.type}, ${data.details}${data.response ? `, status ${data.response.code}` : ""}`);
  });
  hls.on("hlsMediaAttached", () => hls?.loadSource(set.url));
  hls.on("hlsManifestParsed", play);
  hls.attachMedia(video);
}

function play() {
  video.play().catch((error) => {
    // A newer choice aborts an older play(); everything else is worth a line.
    if (error.name !== "AbortError") fail(`Cannot play: ${error.message}`);
  });
}

function stop() {
  hls?.destroy();
  hls = null;
  video.removeAttribute("src");
  video.load();
}

/** Notes one of hls.js's responses when it has ended, however it ended. */
function watch(request, url) {
  const began = performance.now();
  const session = responses;
  request.addEventListener("loadend", (event) => {
    if (session !== responses) return;
    const cacheStatus = field(request, "Cache-Status");
    addRow({ url, status: request.status, bytes: event.loaded, ms: performance.now() - began, cacheStatus });
  });
}

/** A response field, "" when absent. (Asking for one that a response from elsewhere hides logs a warning; this does not.) */
function field(request, name) {
  for (const line of request.getAllResponseHeaders().split("\r\n")) {
    if (line.toLowerCase().startsWith(`${name.toLowerCase()}:`)) return line.slice(name.length + 1).trim();
  }
  return "";
}

function addRow({ url, status, bytes, ms, cacheStatus }) {
  const isHit = /;\s*hit\b/.test(cacheStatus);
  responses.all += 1;
  if (isHit) responses.hits += 1;
  show("share", `${responses.hits} of ${responses.all} responses`);
  const row = document.createElement("tr");
  row.append(
    cell(shortName(url), "", url),
    cell(status === 0 ? "aborted" : String(status), status === 0 || status >= 400 ? "number bad" : "number"),
    cell(bytes.toLocaleString("en"), "number"),
    cell(`${Math.round(ms)} ms`, "number"),
    cell(cacheStatus || "none", isHit ? "hit" : "miss"),
  );
  const rows = element("rows");
  rows.prepend(row);
  if (rows.children.length > rowsMax) rows.lastElementChild.remove();
}

function cell(text, className, title) {
  const data = document.createElement("td");
  data.className = className;
  data.append(text);
  if (title) data.title = title;
  return data;
}

/** The last two path segments of the resource that a (proxied) URL means. */
function shortName(url) {
  const outer = new URL(url, location.href);
  const inner = URL.canParse(outer.searchParams.get("url") ?? "") ? new URL(outer.searchParams.get("url")) : outer;
  return inner.pathname.split("/").slice(-2).join("/");
}

function showProgress() {
  const length = Number.isFinite(video.duration) ? ` of ${video.duration.toFixed(1)} s` : " s";
  show("time", `${video.currentTime.toFixed(1)}${length}`);
  const ranges = [];
  for (let index = 0; index < video.buffered.length; index += 1) {
    ranges.push(`${video.buffered.start(index).toFixed(1)} to ${video.buffered.end(index).toFixed(1)} s`);
  }
  show("buffered", ranges.join(", ") || "none");
  show("picture", video.videoWidth > 0 ? `${video.videoWidth} × ${video.videoHeight}` : "none");
}

function fail(message) {
  show("state", "failed");
  show("error", message);
  element("error").hidden = false;
}

function show(id, text) {
  element(id).textContent = text;
}

function element(id) {
  return document.getElementById(id);
}
