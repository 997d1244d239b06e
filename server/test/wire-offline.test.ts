/** What a player gets while its origin is out of reach, and what comes back with it (SPEC: R-OFFLINE-1, R-DELIVER-4). */
import { truncateSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import {
  type Bench,
  barrier,
  bench,
  filesBelow,
  isHit,
  libraryTest,
  playlist,
  type RawRequest,
  type Resource,
  segment,
  serve,
} from "./support/wire-bench.ts";

t.setTimeout(60_000);

const multivariant = playlist(
  "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhi.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlo.m3u8\n",
  600,
);
const media = segment(30_000);

function variant(name: string): Resource {
  return playlist(`#EXTM3U\n#EXTINF:4,\n${name}-0.ts\n#EXTINF:4,\n${name}-1.ts\n#EXT-X-ENDLIST\n`, 600);
}

function resourceAt(target: string): Resource {
  if (target === "/index.m3u8") return multivariant;
  return target.endsWith(".m3u8") ? variant(target.slice(1, -5)) : media;
}

/** Plays one variant from its playlist to its end. */
async function play(on: Bench, name: string): Promise<void> {
  for (const path of ["/index.m3u8", `/${name}.m3u8`, `/${name}-0.ts`, `/${name}-1.ts`]) await on.ask(path);
}

async function namesOf(on: Bench): Promise<string[]> {
  const answer = await on.ask("/index.m3u8");
  return answer.body.toString("latin1").match(/\w+(?=\.m3u8\n)/g) ?? [];
}

// R-OFFLINE-1, R-OFFLINE-8
libraryTest(
  "told that the network is gone, it names what plays, asks nobody, and goes on when it is back",
  async (t) => {
    const on = await bench(t, (request, connection) => void serve(connection, request, resourceAt(request.target)), {
      offlineFilter: true,
    });
    await play(on, "lo");
    t.same(await namesOf(on), ["2Fhi", "2Flo"], "all is named while the origin is in reach");
    const asked = on.origin.requests.length;
    on.server.networkChanged(false);
    t.same(await namesOf(on), ["2Flo"], "what plays is named");
    t.ok(isHit(await on.ask("/lo-1.ts")), "and plays");
    const missing = await on.ask("/hi-0.ts");
    t.equal(missing.status, 504);
    t.match(missing.body.toString("latin1"), /urn:reelcache:error:offline/);
    on.server.preload(`http://127.0.0.1:${on.origin.port}/hi-1.ts`);
    t.equal(on.origin.requests.length, asked, "nobody is asked");
    on.server.networkChanged();
    t.same(await namesOf(on), ["2Fhi", "2Flo"]);
    t.equal((await on.ask("/hi-0.ts")).status, 200);
  },
);

// R-OFFLINE-7
libraryTest("after the breaker's pause the origin is asked in the background, and all is named again", async (t) => {
  const gate = barrier();
  const on = await bench(
    t,
    async (request, connection) => {
      if (request.target === "/broken.ts") {
        connection.socket.destroy();
        return;
      }
      if (on.origin.requests.length > 5) await gate.wait();
      serve(connection, request, resourceAt(request.target));
    },
    { offlineFilter: true, limits: { breakerFailures: 1, breakerPauseMs: 1 } },
  );
  await play(on, "lo");
  t.equal((await on.ask("/broken.ts")).status, 502, "the breaker opens");
  while (on.origin.requests.length === 5) t.same(await namesOf(on), ["2Flo"], "nobody waits for the origin");
  t.same(await namesOf(on), ["2Flo"], "nor while it is asked");
  gate.open();
  await on.origin.until(() => on.server.stats().exchanges === 0, "the origin's answer");
  t.same(await namesOf(on), ["2Fhi", "2Flo"]);
  t.equal(on.origin.requests.at(-1)?.target, "/index.m3u8");
});

// R-OFFLINE-2
t.test("of a stored playlist that breaks off nothing is read as another's", async (t) => {
  const long = playlist(`#EXTM3U\n#EXTINF:4,\nhi-0.ts\n#${"x".repeat(6_000)}\n#EXT-X-ENDLIST\n`, 600);
  const on = await bench(
    t,
    (request, connection) => {
      if (request.target === "/broken.ts") connection.socket.destroy();
      else serve(connection, request, request.target === "/hi.m3u8" ? long : resourceAt(request.target));
    },
    {
      offlineFilter: true,
      limits: {
        breakerFailures: 1,
        breakerPauseMs: 60_000,
        memoryBytesMax: 1,
        playlistMemoryBytesMax: 1,
        readPieceBytes: 4_096,
      },
    },
  );
  await play(on, "lo");
  await on.ask("/hi.m3u8");
  const files = () => filesBelow(join(on.cacheDir, "data")).filter((file) => file.bytes === long.body.length);
  await on.origin.until(() => files().length === 1, "the playlist on disk");
  t.equal((await on.ask("/broken.ts")).status, 502, "the breaker opens");
  t.same(await namesOf(on), ["2Flo"]);
  for (const file of files()) truncateSync(file.path, 5_000);
  t.same(await namesOf(on), ["2Flo"], "with a playlist before it that breaks off");
});

// R-DELIVER-4, R-DELIVER-6
t.test("under cdn-first the next play has through the proxy what the first fetched by itself", async (t) => {
  const gate = barrier();
  const isMedia = (request: RawRequest): boolean => request.target.endsWith(".ts");
  const sent: string[] = [];
  const on = await bench(
    t,
    async (request, connection) => {
      if (isMedia(request)) await gate.wait();
      serve(connection, request, resourceAt(request.target));
      sent.push(request.target);
    },
    { delivery: "cdn-first" },
  );
  const direct = (body: Buffer): string[] => body.toString("latin1").match(/^http:.*:\d+\/lo-\d\.ts$/gm) ?? [];
  const first = await on.ask("/lo.m3u8");
  t.same(direct(first.body).length, 2, "the player fetches both");
  await on.origin.until(() => on.origin.requests.some(isMedia), "the first in the background");
  gate.open();
  await on.origin.until(() => sent.filter((target) => target.endsWith(".ts")).length === 2, "their bytes");
  for (const path of ["/lo-0.ts", "/lo-1.ts"]) t.equal((await on.ask(path)).body.length, media.body.length);
  t.same(direct((await on.ask("/lo.m3u8")).body), [], "the next play comes through the proxy");
  t.same(sent.filter((target) => target.endsWith(".ts")).sort(), ["/lo-0.ts", "/lo-1.ts"], "each was fetched once");
});
