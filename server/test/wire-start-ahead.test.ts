/** What is fetched before the player asks for it, as the origin and the player see it (SPEC: R-AHEAD-1). */
import t from "tap";
import { type Ask, field } from "./support/raw-player.ts";
import {
  type Bench,
  barrier,
  bench,
  bodyFault,
  isHit,
  playlist,
  type RawRequest,
  type Resource,
  rawField,
  segment,
  serve,
} from "./support/wire-bench.ts";

t.setTimeout(60_000);

const multivariant = playlist(
  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlo/index.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhi/index.m3u8\n",
);
const variant = playlist('#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:4,\n0.m4s\n#EXTINF:4,\n1.m4s\n#EXT-X-ENDLIST\n');
const init = segment(900);
const media = segment(300_000, 900);

function resourceAt(target: string): Resource {
  if (target === "/index.m3u8") return multivariant;
  if (target.endsWith(".m3u8")) return variant;
  return target.endsWith("init.mp4") ? init : media;
}

const isMedia = (request: RawRequest): boolean => !request.target.endsWith(".m3u8");

/** Leaves two connections to the origin behind that rest. */
async function warm(on: Bench, gate: { open(): void }): Promise<void> {
  const both = [on.ask("/warm-0.ts"), on.ask("/warm-1.ts")];
  await on.origin.until(() => on.origin.requests.length === 2, "two connections");
  gate.open();
  await Promise.all(both);
  await on.origin.until(() => on.server.stats().flights === 0, "their rest");
}

// R-AHEAD-6, R-AHEAD-8, R-LANE-11
t.test(
  "a start is on its way before the player asks, each byte once, and a switch of variant begins none",
  async (t) => {
    const warmGate = barrier();
    const gate = barrier();
    const sent = new Map<string, number>();
    const on = await bench(
      t,
      async (request, connection) => {
        if (request.target.startsWith("/warm")) await warmGate.wait();
        else if (isMedia(request)) await gate.wait();
        const bytes = serve(connection, request, resourceAt(request.target));
        sent.set(request.target, (sent.get(request.target) ?? 0) + bytes);
      },
      { startAhead: true },
    );
    await warm(on, warmGate);
    const player: Ask = {
      fields: ["User-Agent", "a player", "X-Playback-Session-Id", "7", "If-None-Match", '"other"'],
    };
    await on.ask("/index.m3u8", player);
    await on.ask("/lo/index.m3u8", player);
    await on.origin.until(() => on.origin.requests.length === 6, "the start to be asked for");
    const ahead = on.origin.requests.slice(4);
    t.same(ahead.map((request) => request.target).sort(), ["/lo/0.m4s", "/lo/init.mp4"]);
    for (const request of ahead) {
      t.equal(rawField(request.fields, "User-Agent"), "a player", "in the player's name");
      t.equal(rawField(request.fields, "X-Playback-Session-Id"), "7");
      t.equal(rawField(request.fields, "If-None-Match"), null, "without the conditions of the playlist");
    }
    const asked = ["/lo/init.mp4", "/lo/0.m4s"].map((path) => on.ask(path));
    await on.origin.until(() => Number(on.server.stats().exchanges) === 4, "the player to ask");
    gate.open();
    const [first, second] = await Promise.all(asked);
    t.equal(bodyFault(first?.body ?? Buffer.alloc(0), init.body), "");
    t.equal(bodyFault(second?.body ?? Buffer.alloc(0), media.body), "");
    await on.ask("/hi/index.m3u8", player);
    t.equal(bodyFault((await on.ask("/hi/1.m4s", player)).body, media.body), "");
    await on.origin.until(() => on.server.stats().flights === 0, "the end of every transfer");
    t.equal(on.origin.connections.length, 2, "on the connections that were there");
    t.same(Object.fromEntries(sent), {
      "/warm-0.ts": media.body.length,
      "/warm-1.ts": media.body.length,
      "/index.m3u8": multivariant.body.length,
      "/lo/index.m3u8": variant.body.length,
      "/lo/init.mp4": init.body.length,
      "/lo/0.m4s": media.body.length,
      "/hi/index.m3u8": variant.body.length,
      "/hi/1.m4s": media.body.length,
    });
  },
);

// R-AHEAD-12
t.test("on the only connection a start follows its playlist, one part after the other", async (t) => {
  const gate = barrier();
  const on = await bench(
    t,
    async (request, connection) => {
      if (request.target === "/lo/init.mp4") await gate.wait();
      serve(connection, request, resourceAt(request.target));
    },
    { startAhead: true },
  );
  await on.ask("/lo/index.m3u8");
  await on.origin.until(() => on.origin.requests.length === 2, "the initialization section to be asked for");
  gate.open();
  await on.origin.until(() => on.origin.requests.length === 3 && on.server.stats().flights === 0, "the segment");
  t.same(
    on.origin.requests.map((request) => request.target),
    ["/lo/index.m3u8", "/lo/init.mp4", "/lo/0.m4s"],
  );
  t.equal(on.origin.connections.length, 1);
  t.match(on.server.stats(), { exchanges: 0 });
});

// R-AHEAD-7, R-AHEAD-12
t.test("what the player asks for while its start still waits is the player's alone", async (t) => {
  const gate = barrier();
  const on = await bench(
    t,
    async (request, connection) => {
      if (request.target === "/lo/init.mp4") await gate.wait();
      serve(connection, request, resourceAt(request.target));
    },
    { startAhead: true },
  );
  await on.ask("/lo/index.m3u8");
  await on.origin.until(() => on.origin.requests.length === 2, "the initialization section to be asked for");
  const own = await on.ask("/lo/0.m4s");
  t.equal(field(own, "cache-status"), "reelcache; fwd=uri-miss; fwd-status=200; stored", "its own request");
  gate.open();
  await on.origin.until(() => on.server.stats().flights === 0 && on.server.stats().exchanges === 0, "the end of all");
  t.equal(on.origin.requests.length, 3, "each once");
});

// R-AHEAD-12
t.test("a start that is dropped leaves the connection to the next that waits", async (t) => {
  const gate = barrier();
  const on = await bench(
    t,
    async (request, connection) => {
      if (request.target.startsWith("/lo/") && isMedia(request)) await gate.wait();
      serve(connection, request, resourceAt(request.target));
    },
    { startAhead: true },
  );
  await on.ask("/lo/index.m3u8");
  await on.origin.until(() => on.origin.requests.length === 2, "the initialization section to be asked for");
  const own = on.ask("/lo/0.m4s");
  await on.origin.until(() => on.origin.requests.length === 3, "the player's own request");
  await on.ask("/hi/index.m3u8");
  await on.origin.until(() => on.origin.requests.length === 6, "the other start");
  t.same(
    on.origin.requests.slice(4).map((request) => request.target),
    ["/hi/init.mp4", "/hi/0.m4s"],
  );
  gate.open();
  t.equal(bodyFault((await own).body, media.body), "");
});

// R-AHEAD-6
t.test("a start that is here before the player asks is a hit", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, resourceAt(request.target)), {
    startAhead: true,
  });
  await on.ask("/lo/index.m3u8");
  await on.origin.until(() => on.origin.requests.length === 3 && on.server.stats().flights === 0, "the start");
  for (const path of ["/lo/init.mp4", "/lo/0.m4s"]) t.ok(isHit(await on.ask(path)), path);
  t.equal(on.origin.requests.length, 3);
});

// R-AHEAD-8
t.test("a start in one file is one request for just its bytes", async (t) => {
  const text =
    '#EXTM3U\n#EXT-X-MAP:URI="all.mp4",BYTERANGE="900@0"\n#EXTINF:4,\n#EXT-X-BYTERANGE:50000@900\nall.mp4\n' +
    "#EXTINF:4,\n#EXT-X-BYTERANGE:60000\nall.mp4\n#EXT-X-ENDLIST\n";
  const all = segment(300_000);
  let bytes = 0;
  const on = await bench(
    t,
    (request, connection) => {
      if (isMedia(request)) bytes += serve(connection, request, all);
      else serve(connection, request, playlist(text));
    },
    { startAhead: true },
  );
  await on.ask("/index.m3u8");
  await on.origin.until(() => on.origin.requests.length === 2, "the start to be asked for");
  const map = await on.ask("/all.mp4", { fields: ["Range", "bytes=0-899"] });
  const first = await on.ask("/all.mp4", { fields: ["Range", "bytes=900-50899"] });
  t.equal(bodyFault(map.body, all.body.subarray(0, 900)), "");
  t.equal(bodyFault(first.body, all.body.subarray(900, 50_900)), "");
  t.equal(rawField(on.origin.requests[1]?.fields ?? [], "Range"), "bytes=0-50899");
  t.equal(on.origin.requests.length, 2);
  t.equal(bytes, 50_900);
});

// R-AHEAD-10
t.test("a start that breaks off or may not be stored takes nothing from the player", async (t) => {
  const on = await bench(
    t,
    (request, connection) => {
      const resource = resourceAt(request.target);
      const isAhead = isMedia(request) && rawField(request.fields, "User-Agent") === "begins";
      if (isAhead && resource === init) connection.reset();
      else if (isAhead) serve(connection, request, { ...resource, fields: ["Cache-Control", "no-store"] });
      else serve(connection, request, resource);
    },
    { startAhead: true, limits: { breakerFailures: 1 } },
  );
  await on.ask("/lo/index.m3u8", { fields: ["User-Agent", "begins"] });
  const targets = (): Set<string> => new Set(on.origin.requests.map((request) => request.target));
  await on.origin.until(() => targets().size === 3 && on.server.stats().flights === 0, "the start to fail");
  for (const path of ["/lo/init.mp4", "/lo/0.m4s"]) {
    const response = await on.ask(path, { fields: ["User-Agent", "goes on"] });
    t.equal(response.status, 200, path);
    t.equal(bodyFault(response.body, resourceAt(path).body), "", path);
  }
});

t.test("without the option nothing is fetched that was not asked for", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, resourceAt(request.target)));
  await on.ask("/index.m3u8");
  await on.ask("/lo/index.m3u8");
  await on.ask("/lo/1.m4s");
  await on.origin.until(() => on.server.stats().flights === 0, "the end of every transfer");
  t.equal(on.origin.requests.length, 3);
});
