/**
 * Chromium asks for every byte that was fetched ahead of it, with hls.js and with its own HLS, in every demo set: what
 * the origin was asked for against what the page asked for (SPEC: R-AHEAD-1).
 */
import t from "tap";
import { demoSets, startDemoOrigin } from "../demo/demo-origin.ts";
import { type PageRequest, startPlayerPage } from "./support/browser.ts";
import { libraryTest, proxy, scratch } from "./support/wire-bench.ts";

t.setTimeout(120_000);

type Part = { path: string; start: number; end: number };

/** The bytes that a Range field names; without one, all of them. */
function partOf(path: string, range: string): Part {
  const [, from = "0", to = ""] = /^bytes=([0-9]+)-([0-9]*)$/.exec(range) ?? [];
  return { path, start: Number(from), end: to === "" ? Number.POSITIVE_INFINITY : Number(to) + 1 };
}

/** The first byte of `part` that none of `asked` holds; -1 when there is none. */
function firstUnasked(part: Part, asked: Part[]): number {
  let offset = part.start;
  while (offset < part.end) {
    const holder = asked.find((one) => one.path === part.path && one.start <= offset && offset < one.end);
    if (holder === undefined) return offset;
    offset = holder.end;
  }
  return -1;
}

const origin = await startDemoOrigin();
t.teardown(() => origin.close());
const players = await startPlayerPage();
t.teardown(() => players.close());

// Behind a redirect the origin is asked for what no page names.
const sets = demoSets().filter((set) => set.kind === "vod" && !set.name.startsWith("redirect"));
/** Chromium's own HLS has no EXT-X-BYTERANGE. */
const nativeSets = sets.filter((set) => !set.name.startsWith("byterange"));

for (const engine of ["hls.js", "native"] as const) {
  libraryTest(`whatever is fetched ahead ${engine} asks for`, async (t) => {
    const options = { cacheDir: scratch(t), allowPrivate: ["127.0.0.1:*", "localhost:*"], startAhead: true };
    const server = await proxy(t, options);
    const exchanges: string[] = [];
    server.on("exchange", (exchange) => {
      exchanges.push(exchange.url);
    });
    origin.clearLog();
    const before = players.requests.length;
    const played = engine === "native" ? nativeSets : sets;
    const items = played.map((set) => ({
      name: set.name,
      url: `${server.url}/proxy?url=${encodeURIComponent(origin.url + set.path)}`,
    }));
    for (const one of await players.play(engine, items)) t.equal(one.end, "ended", `${one.name} plays to its end`);
    const asked = players.requests.slice(before).flatMap((request) => upstreamParts(request));
    const fetched = origin.log().map((entry) => partOf(entry.url, entry.range));
    t.same(
      fetched.filter((part) => firstUnasked(part, asked) !== -1),
      [],
      "no byte that it did not ask for",
    );
    // Of what the page asked for once there were two exchanges: the page's, and the one before it.
    const urls = asked.map((part) => origin.url + part.path);
    const twice = new Set(exchanges.filter((url) => countOf(exchanges, url) > countOf(urls, url)));
    t.ok(twice.size >= played.length, `${twice.size} were fetched ahead, at least one of each set`);
  });
}

function countOf(texts: string[], text: string): number {
  return texts.filter((one) => one === text).length;
}

/** What a page's request means at the origin; nothing when it is not for the proxy. */
function upstreamParts(request: PageRequest): Part[] {
  const upstream = new URL(request.url).searchParams.get("url");
  return upstream?.startsWith(origin.url) === true ? [partOf(upstream.slice(origin.url.length), request.range)] : [];
}
