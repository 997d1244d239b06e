/**
 * hls.js in Chromium plays the demo's low-latency stream through the proxy in its low-latency mode: it loads parts and
 * has its reloads held, and the proxy asks the origin for each reload and each part once.
 */
import t, { type Test } from "tap";
import { startDemoOrigin } from "../demo/demo-origin.ts";
import { startPlayerPage } from "./support/browser.ts";
import { proxy, scratch } from "./support/wire-bench.ts";

const players = await startPlayerPage();
t.teardown(() => players.close());
/** Longer than a pass through the set, so that a discontinuity is played as well. */
const seconds = 12;
const path = "/ll/low-latency/index.m3u8";

async function playThrough(t: Test, form: "query" | "path"): Promise<void> {
  const origin = await startDemoOrigin();
  t.teardown(() => origin.close());
  const server = await proxy(t, { cacheDir: scratch(t), allowPrivate: ["127.0.0.1:*"] });
  const prefix = form === "query" ? `${server.url}/proxy?url=` : `${server.url}/http/127.0.0.1:${origin.port}`;
  const url = form === "query" ? prefix + encodeURIComponent(origin.url + path) : prefix + path;
  const [played] = await players.play("hls.js", [{ name: "low latency", url, seconds }]);
  t.equal(played?.end, "seen", `${seconds} seconds were played`);
  t.ok((played?.frames ?? 0) >= 20 * seconds, `${played?.frames} frames decoded`);
  const asked = origin.log().filter((entry) => entry.status === 200);
  const reloads = asked.filter((entry) => /[?&]_HLS_msn=\d+&_HLS_part=\d+/.test(entry.url));
  const parts = asked.filter((entry) => /\/s\d+\.\d+\.m4s$/.test(entry.url));
  t.ok(reloads.length >= 2 * seconds, `${reloads.length} reloads asked for a part that was not there yet`);
  t.ok(
    reloads.some((entry) => entry.url.includes("_HLS_skip=")),
    "some asked for the changes alone",
  );
  t.ok(parts.length >= 2 * seconds, `${parts.length} parts were loaded`);
  for (const [what, entries] of [["reload", reloads] as const, ["part", parts] as const]) {
    const whole = entries.filter((entry) => entry.complete).map((entry) => entry.url);
    t.equal(new Set(whole).size, whole.length, `no ${what} was asked for twice`);
  }
  t.equal(origin.log().filter((entry) => entry.status >= 400).length, 0, "and nothing that is not there");
  t.ok(
    players.requests.every((request) => !request.url.startsWith(origin.url)),
    "the page asked nobody but the proxy",
  );
}

t.test("in query form", (t) => playThrough(t, "query"));
t.test("in path form", (t) => playThrough(t, "path"));
