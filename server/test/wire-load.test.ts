/** Many players at once: slots never exceeded, playlists not behind segments, memory flat (SPEC: R-LANE, R-LIMIT). */
import t from "tap";
import { type Ask, askOnce, field, RawPlayer, requestText, type WireResponse } from "./support/raw-player.ts";
import {
  barrier,
  bench,
  bodyFault,
  forkProxy,
  headText,
  outcome,
  patternBytes,
  playlist,
  problemType,
  type RawConnection,
  type RawRequest,
  rawOrigin,
  scratch,
  serve,
} from "./support/wire-bench.ts";

const presentations = 10;
const segments = 50;
const segmentBytes = 100_000;
const pool = patternBytes(0, segmentBytes + presentations * segments);
const text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXT-X-ENDLIST\n";

/** The body of one segment: a window of the pool, so that no two are alike. */
function segmentBody(path: string): Buffer {
  const parts = /^\/p(\d+)\/(\d+)\.ts$/.exec(path);
  const at = Number(parts?.[1]) * segments + Number(parts?.[2]);
  return pool.subarray(at, at + segmentBytes);
}

async function sendSegment(connection: RawConnection, path: string): Promise<void> {
  const fields = ["Content-Type", "video/mp2t", "ETag", `"${path}"`, "Content-Length", String(segmentBytes)];
  await connection.write(headText(200, "OK", fields));
  await connection.write(segmentBody(path));
}

function allPaths(): string[] {
  return Array.from(
    { length: presentations * segments },
    (_, at) => `/p${Math.floor(at / segments)}/${at % segments}.ts`,
  );
}

t.test("ten presentations of fifty segments at once, from five origins", async (t) => {
  const gate = barrier();
  let running = 0;
  let highest = 0;
  const answer = async (request: RawRequest, connection: RawConnection): Promise<unknown> => {
    if (request.target.endsWith(".m3u8")) return serve(connection, request, playlist(text));
    running += 1;
    highest = Math.max(highest, running);
    await gate.wait();
    await sendSegment(connection, request.target);
    running -= 1;
    return undefined;
  };
  // The wait that leads to an extra slot is a test of its own below.
  const on = await bench(t, answer, { limits: { queueWaitMs: 120_000 } });
  const origins = [on.origin];
  while (origins.length < 5) origins.push(await rawOrigin(t, answer));
  const ask = (path: string): Promise<WireResponse> => {
    const origin = origins[Number(/^\/p(\d+)/.exec(path)?.[1]) % origins.length] ?? on.origin;
    return askOnce(on.port, `/proxy?url=${encodeURIComponent(origin.url + path)}`);
  };
  const order: string[] = [];
  const asked = allPaths().map(async (path) => {
    const response = await ask(path);
    order.push(path);
    return { path, response };
  });
  await on.origin.until(() => on.server.stats().exchanges === 500, "all 500 players to be waiting");
  for (let index = 0; index < presentations; index += 1) {
    const response = await ask(`/p${index}/index.m3u8`);
    t.equal(response.status, 200, "a playlist is answered while every slot is taken");
  }
  t.same(order, [], "and no segment came before");
  t.equal(running, 32, "32 segments are on their way");
  gate.open();
  let wrong = 0;
  for (const { path, response } of await Promise.all(asked)) {
    if (response.status !== 200 || bodyFault(response.body, segmentBody(path)) !== "") wrong += 1;
  }
  t.equal(wrong, 0, "all 500 bodies are right");
  t.equal(highest, 32, "the origins never saw more than 32 transfers at once");
  const requests = origins.flatMap((origin) => origin.requests).filter((request) => request.target.endsWith(".ts"));
  t.equal(requests.length, presentations * segments, "each segment was fetched once");
});

t.test("one origin does not take more than its share of the slots", async (t) => {
  const gate = barrier();
  let running = 0;
  let highest = 0;
  const on = await bench(
    t,
    async (request, connection) => {
      running += 1;
      highest = Math.max(highest, running);
      await gate.wait();
      await sendSegment(connection, request.target);
      running -= 1;
    },
    { limits: { queueWaitMs: 120_000, hostSlotsMax: 4 } },
  );
  const other = await rawOrigin(t, (request, connection) => sendSegment(connection, request.target));
  const asked = Array.from({ length: 20 }, (_, at) => on.ask(`/p0/${at}.ts`));
  await on.origin.until(() => on.server.stats().exchanges === 20, "all 20 players to be waiting");
  const beside = await askOnce(on.port, `/proxy?url=${encodeURIComponent(`${other.url}/p1/0.ts`)}`);
  t.equal(bodyFault(beside.body, segmentBody("/p1/0.ts")), "", "another origin's segment passes those who wait");
  await on.origin.until(() => running === 4, "four of the first origin's to be on their way");
  gate.open();
  for (const response of await Promise.all(asked)) t.equal(response.status, 200);
  t.equal(highest, 4, "never more");
});

t.test("nobody waits for a head without end: an extra slot first, then 503 with Retry-After", async (t) => {
  const gate = barrier();
  const on = await bench(
    t,
    async (request, connection) => {
      await gate.wait();
      return sendSegment(connection, request.target);
    },
    { limits: { slotsMax: 2, extraSlotsMax: 1, queueWaitMs: 150 } },
  );
  const asked = ["/p0/0.ts", "/p0/1.ts", "/p0/2.ts", "/p0/3.ts"].map((path) => on.ask(path));
  const refused = await Promise.race(asked);
  t.equal(refused.status, 503);
  t.equal(problemType(refused), "urn:reelcache:error:too-busy");
  t.match(field(refused, "retry-after"), /^[1-9]\d*$/, "says when to come back");
  await on.origin.until(() => on.origin.requests.length === 3, "two slots and one extra");
  gate.open();
  const responses = await Promise.all(asked);
  t.equal(responses.filter((response) => response.status === 200).length, 3, "the others are served");
  t.equal(on.origin.requests.length, 3, "and the one refused never reached the origin");
});

t.test("a player that leaves the queue gives its place back", async (t) => {
  const gate = barrier();

  const on = await bench(
    t,
    async (request, connection) => {
      if (request.target === "/p0/0.ts") await gate.wait();
      return sendSegment(connection, request.target);
    },
    { limits: { slotsMax: 1, extraSlotsMax: 0, queueWaitMs: 120_000 } },
  );
  const first = on.ask("/p0/0.ts");
  await on.origin.until(() => on.origin.requests.length === 1, "the slot taken");
  const leavers = [];
  for (let at = 1; at < 20; at += 1) {
    const player = await RawPlayer.connect(on.port);
    player.send(requestText(on.port, on.query(`/p1/${at}.ts`), {}));
    leavers.push(player);
  }
  // A request that is answered at once shows that the proxy has read what came before it.
  await askOnce(on.port, "/health");
  for (const player of leavers) player.reset();
  await askOnce(on.port, "/health");
  const last = on.ask("/p2/0.ts");
  gate.open();
  t.equal(bodyFault((await first).body, segmentBody("/p0/0.ts")), "");
  t.equal(bodyFault((await last).body, segmentBody("/p2/0.ts")), "");
  t.ok(on.origin.requests.length <= 3, `those who left cost nothing: ${on.origin.requests.length} requests`);
});

t.test("memory stays flat over a thousand segments", async (t) => {
  const origin = await rawOrigin(t, (request, connection) =>
    sendSegment(connection, request.target.replace(/^\/r\d/, "")),
  );
  // A slow machine must not turn waiting players away here: the wait has tests of its own.
  // What is kept in memory on purpose has a bound and tests of its own as well.
  const child = await forkProxy(t, { cacheDir: scratch(t), limits: { queueWaitMs: 120_000, memoryBytesMax: 1 } });
  const round = async (index: number): Promise<number> => {
    const one = async (path: string, ask: Ask): Promise<WireResponse | { cut: Buffer }> =>
      outcome(askOnce(child.port, `/proxy?url=${encodeURIComponent(`${origin.url}/r${index}${path}`)}`, ask));
    const responses = await Promise.all(allPaths().map((path) => one(path, {})));
    let wrong = 0;
    for (const [at, path] of allPaths().entries()) {
      const response = responses[at];
      if (response === undefined || !("body" in response) || !response.body.equals(segmentBody(path))) wrong += 1;
    }
    return wrong;
  };
  // Pools and the collector's heap reach their size with the first misses and hits.
  t.equal(await round(0), 0, "the first round is right");
  t.equal(await round(0), 0, "the first round again, from the cache, is right");
  const before = await child.memory();
  t.equal(await round(1), 0, "the second round is right");
  t.equal(await round(0), 0, "the first round once more is right");
  const after = await child.memory();
  const mib = (bytes: number): number => Math.round(bytes / 1_048_576);
  t.comment(`resident: ${mib(before.now)} MiB before, ${mib(after.now)} MiB after, peak ${mib(after.peak)} MiB`);
  t.ok(after.now - before.now < 67_108_864, `grew by ${mib(after.now - before.now)} MiB over 100 MB of segments`);
  t.ok(after.peak < 524_288_000, `peak ${mib(after.peak)} MiB`);
});
