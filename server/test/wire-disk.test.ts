/** The cache never harms playback: eviction, and files that vanish or shrink under the proxy (SPEC: R-EVICT, R-DISK). */
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { askOnce, RawPlayer } from "./support/raw-player.ts";
import {
  type Bench,
  barrier,
  bench,
  bodyFault,
  filesBelow,
  headText,
  isHit,
  proxy,
  type RawConnection,
  type RawRequest,
  type Resource,
  type ServerOptions,
  segment,
  serve,
  until,
} from "./support/wire-bench.ts";

const size = 400_000;
const maxCacheBytes = 4_000_000;

/** Distinct resources by number, as the origin and the test see them. */
function numbered(target: string): Resource {
  return segment(size, Number(/\d+/.exec(target)?.[0] ?? 0));
}

const small: ServerOptions = { maxCacheBytes, evictionDelayMs: 0, limits: { journalMs: 20 } };

function dataBytes(on: Bench): number {
  return filesBelow(on.cacheDir)
    .filter((file) => file.path.startsWith(join(on.cacheDir, "data")))
    .reduce((sum, file) => sum + file.bytes, 0);
}

async function right(on: Bench, index: number): Promise<boolean> {
  const response = await on.ask(`/${index}.ts`);
  return response.status === 200 && bodyFault(response.body, numbered(`/${index}.ts`).body) === "";
}

t.test("the cache keeps to its size and evicts what was used least recently", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, numbered(request.target)), small);
  for (let index = 0; index < 9; index += 1) t.ok(await right(on, index), `${index} is right`);
  // The first is used again, so the second is now the oldest.
  t.ok(isHit(await on.ask("/0.ts")), "0 is still there");
  for (let index = 9; index < 13; index += 1) t.ok(await right(on, index), `${index} is right`);
  await on.origin.until(() => dataBytes(on) <= maxCacheBytes, "the files to fit the limit");
  t.ok(isHit(await on.ask("/12.ts")), "the latest is kept");
  t.ok(isHit(await on.ask("/0.ts")), "the one used again is kept");
  const requests = on.origin.requests.length;
  const evicted = await on.ask("/1.ts");
  t.notOk(isHit(evicted), "the oldest was evicted");
  t.equal(bodyFault(evicted.body, numbered("/1.ts").body), "", "and is fetched again");
  t.equal(on.origin.requests.length, requests + 1);
});

t.test("what is being played is never evicted", async (t) => {
  const gate = barrier();
  const on = await bench(
    t,
    async (request, connection) => {
      if (request.target !== "/1000.ts") return serve(connection, request, numbered(request.target));
      const fields = ["Content-Type", "video/mp2t", "ETag", '"held"', "Content-Length", String(size)];
      await connection.write(headText(200, "OK", fields));
      await connection.write(numbered("/1000.ts").body.subarray(0, 300_000));
      await gate.wait();
      return connection.write(numbered("/1000.ts").body.subarray(300_000));
    },
    small,
  );
  const player = await RawPlayer.connect(on.port);
  await player.open(on.query("/1000.ts"));
  const start = await player.take(300_000);
  for (let index = 0; index < 15; index += 1) t.ok(await right(on, index), `${index} is right`);
  await on.origin.until(() => dataBytes(on) <= maxCacheBytes, "the files to fit the limit");
  gate.open();
  t.equal(bodyFault(Buffer.concat([start, await player.rest()]), numbered("/1000.ts").body), "");
  t.ok(isHit(await on.ask("/1000.ts")), "and it is stored");
  player.abort();
});

t.test("what trickles in is written in pieces, and the rest of it when its player leaves", async (t) => {
  const gates = [barrier(), barrier()];
  const { body } = segment(20_000_000);
  const answer = async (request: RawRequest, connection: RawConnection): Promise<unknown> => {
    if (request.target !== "/slow.ts") return serve(connection, request, numbered(request.target));
    const fields = ["Content-Type", "video/mp2t", "ETag", '"slow"', "Content-Length", String(body.length)];
    await connection.write(headText(200, "OK", fields));
    await connection.write(body.subarray(0, 100_000));
    await gates[0]?.wait();
    await connection.write(body.subarray(100_000, 300_000));
    await gates[1]?.wait();
    return connection.write(body.subarray(300_000, 350_000));
  };
  const on = await bench(t, answer, { limits: { journalMs: 600_000 } });
  const player = await RawPlayer.connect(on.port);
  await player.open(on.query("/slow.ts"));
  await player.take(100_000);
  t.ok(await right(on, 1), "another resource is fetched");
  await on.origin.until(() => dataBytes(on) === size, "its bytes on disk");
  gates[0]?.open();
  await player.take(200_000);
  await on.origin.until(() => dataBytes(on) >= size + 262_144, "a piece on disk");
  gates[1]?.open();
  await player.take(50_000);
  player.abort();
  await on.origin.until(() => dataBytes(on) === size + 350_000, "the rest on disk");
});

t.test("what an origin brought before it fell silent is written", async (t) => {
  const on = await bench(
    t,
    async (_request, connection) => {
      await connection.write(
        headText(200, "OK", ["Content-Type", "video/mp2t", "ETag", '"a"', "Content-Length", "90"]),
      );
      return connection.write("the first part");
    },
    small,
  );
  const player = await RawPlayer.connect(on.port);
  await player.open(on.query("/silent.ts"));
  await on.origin.until(() => dataBytes(on) === 14, "its bytes on disk");
  player.abort();
});

t.test("a resource larger than the whole cache plays", async (t) => {
  const big = segment(maxCacheBytes * 2);
  const on = await bench(t, (request, connection) => serve(connection, request, big), small);
  for (const when of ["first", "second"]) t.equal(bodyFault((await on.ask("/big.ts")).body, big.body), "", when);
  await on.origin.until(() => dataBytes(on) <= maxCacheBytes, "the files to fit the limit");
});

t.test("data files deleted under the running proxy cost a fetch, not the playback", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, numbered(request.target)), {
    limits: { openFilesMax: 1 },
  });
  for (let index = 0; index < 4; index += 1) await right(on, index);
  await on.origin.until(() => dataBytes(on) >= 4 * size, "the bytes on disk");
  rmSync(join(on.cacheDir, "data"), { recursive: true });
  for (let index = 0; index < 4; index += 1) {
    t.ok(await right(on, index), `${index} is right`);
    t.ok(await right(on, index), `${index} is right again`);
  }
});

t.test("data files cut short are noticed, at once and after a restart", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, numbered(request.target)));
  for (let index = 0; index < 3; index += 1) await right(on, index);
  await on.origin.until(() => dataBytes(on) >= 3 * size, "the bytes on disk");
  for (const file of filesBelow(join(on.cacheDir, "data"))) truncateSync(file.path, 150_000);
  for (let index = 0; index < 3; index += 1) {
    const response = await on.ask(`/${index}.ts`);
    t.equal(bodyFault(response.body, numbered(`/${index}.ts`).body), "", `${index} while running`);
  }
  await on.server.stop();
  for (const file of filesBelow(join(on.cacheDir, "data"))) truncateSync(file.path, 100_000);
  const again = await proxy(t, { cacheDir: on.cacheDir });
  for (let index = 0; index < 3; index += 1) {
    const response = await askOnce(again.port, on.query(`/${index}.ts`));
    t.equal(response.status, 200);
    t.equal(bodyFault(response.body, numbered(`/${index}.ts`).body), "", `${index} after the restart`);
  }
});

t.test("an index that is garbage costs the cache, not the start", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, numbered(request.target)));
  await right(on, 1);
  await on.server.stop();
  for (const file of filesBelow(on.cacheDir)) {
    if (file.path.includes("index.sqlite"))
      writeFileSync(file.path, "this is no database, though it is long enough".repeat(200));
  }
  const again = await proxy(t, { cacheDir: on.cacheDir });
  for (const when of ["first", "second"]) {
    const response = await askOnce(again.port, on.query("/1.ts"));
    t.equal(bodyFault(response.body, numbered("/1.ts").body), "", when);
    if (when === "second") t.ok(isHit(response), "it caches again");
  }
});

t.test("a disk that takes nothing costs the cache, not the playback", async (t) => {
  const big = segment(9_000_000);
  const on = await bench(t, (request, connection) =>
    serve(connection, request, request.target === "/big.ts" ? big : numbered(request.target)),
  );
  // A file in the place of the folder: every open, write and mkdir below it fails, as on a disk that broke.
  rmSync(join(on.cacheDir, "data"), { recursive: true, force: true });
  writeFileSync(join(on.cacheDir, "data"), "");
  for (const when of ["first", "second"]) {
    for (let index = 0; index < 3; index += 1) t.ok(await right(on, index), `${index} is right, ${when}`);
    const response = await on.ask("/big.ts");
    t.equal(bodyFault(response.body, big.body), "", `nine megabytes are right, ${when}`);
    const part = await on.ask("/2.ts", { fields: ["Range", "bytes=100-199"] });
    t.equal(part.status, 206, `a range, ${when}`);
    t.equal(bodyFault(part.body, numbered("/2.ts").body.subarray(100, 200)), "", `a range, ${when}`);
  }
  const together = await Promise.all(Array.from({ length: 8 }, () => on.ask("/7.ts")));
  for (const response of together)
    t.equal(bodyFault(response.body, numbered("/7.ts").body), "", "eight players at once");
  rmSync(join(on.cacheDir, "data"));
  t.ok(await right(on, 20), "when the disk is back, a new resource is right");
  await until(() => on.server.stats().flights === 0, "the download to be over");
  t.ok(isHit(await on.ask("/20.ts")), "and is stored");
});

t.test("a free-space reserve that cannot be met costs the cache, not the playback", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, numbered(request.target)), {
    freeDiskReserveBytes: Number.MAX_SAFE_INTEGER,
    evictionDelayMs: 0,
  });
  for (const when of ["first", "second"]) {
    for (let index = 0; index < 3; index += 1) t.ok(await right(on, index), `${index} is right, ${when}`);
  }
  await until(() => dataBytes(on) === 0, "the files to go");
});
