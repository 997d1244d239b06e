/** The public API: what an app sees of the library. */
import { existsSync } from "node:fs";
import t from "tap";
import type { ExchangeReport, Fallback } from "../index.ts";
import { clearCache, convertUrl, StartError, startServer, stopServer } from "../index.ts";
import { bench, bodyFault, proxy, scratch, segment, serve } from "./support/wire-bench.ts";

t.setTimeout(60_000);

t.test("convertUrl works before the start, while running and after the stop, and never throws", async (t) => {
  const why: Fallback[] = [];
  const url = "https://cdn.example.com/a b/ü.m3u8?Policy=a~b&Signature=x%2By#t=1";
  t.equal(
    convertUrl(url, (reason) => why.push(reason)),
    url,
    "before the start the URL itself",
  );
  const server = await proxy(t, { cacheDir: scratch(t) });
  t.equal(
    convertUrl(url),
    `${server.url}/proxy?url=https%3A%2F%2Fcdn.example.com%2Fa%2520b%2F%25C3%25BC.m3u8%3FPolicy%3Da~b%26Signature%3Dx%252By#t=1`,
    "escaped as a player would, the fragment left to the player",
  );
  for (const other of ["file:///etc/passwd", "skd://key", "", "not a url", "https://user:pw@host/x", "data:,x"]) {
    t.equal(
      convertUrl(other, (reason) => why.push(reason)),
      other,
      `${other} stays`,
    );
  }
  await stopServer();
  t.equal(
    convertUrl(url, (reason) => why.push(reason)),
    url,
  );
  t.same(why, ["not-running", ...Array(6).fill("not-http"), "not-running"]);
  t.equal(server.running, false);
  await server.stop();
});

t.test("the path form and a secret are in what convertUrl gives, and what it gives can be fetched", async (t) => {
  const one = segment(10_000);
  const on = await bench(t, (request, connection) => serve(connection, request, one), {
    form: "path",
    secret: "open-sesame",
  });
  const url = on.server.convertUrl(`${on.origin.url}/seg.ts?a=1`);
  t.equal(url, `${on.server.url}/~open-sesame/http/127.0.0.1:${on.origin.port}/seg.ts?a=1`);
  const response = await fetch(url);
  t.equal(bodyFault(Buffer.from(await response.arrayBuffer()), one.body), "");
});

t.test("wrong options are refused with a message, and nothing is left behind", async (t) => {
  const cacheDir = `${scratch(t)}/never`;
  await t.rejects(startServer({ cacheDir, port: 70_000 }), { message: /port/ });
  await t.rejects(startServer({ cacheDir, host: "0.0.0.0" }), { message: /secret/ });
  await t.rejects(startServer({ cacheDir, limits: { slotsMax: -1 } }), { message: /slotsMax/ });
  await t.rejects(startServer({ cacheDir, originCa: `${cacheDir}.pem` }), {
    name: "Error",
    message: /^origin-ca: ".*" cannot be read \(ENOENT\); it must be a PEM file$/,
  });
  t.notOk(existsSync(cacheDir), "no folder was made");
  const first = await proxy(t, { cacheDir });
  const error = await startServer({ cacheDir, port: 0 }).catch((reason: unknown) => reason);
  t.ok(error instanceof StartError, "a cache folder serves one process");
  t.match((error as Error).message, cacheDir, "the message says which");
  await t.rejects(startServer({ cacheDir: scratch(t), port: first.port }), { code: "EADDRINUSE" });
});

t.test("stats and events say what happened", async (t) => {
  const one = segment(50_000);
  const on = await bench(t, (request, connection) => serve(connection, request, one), {
    maxCacheBytes: 60_000,
    evictionDelayMs: 0,
  });
  const reports: ExchangeReport[] = [];
  const evicted: string[] = [];
  const listener = (report: ExchangeReport): void => void reports.push(report);
  on.server.on("exchange", listener);
  on.server.on("evicted", (url) => void evicted.push(url));
  await on.ask("/1.ts");
  await on.origin.until(
    () => on.server.stats().bytes === 50_000 && on.server.stats().flights === 0,
    "the bytes on disk",
  );
  await on.ask("/1.ts");
  const stats = on.server.stats();
  t.match(stats, { entries: 1, bytes: 50_000, hits: 1, misses: 1, bytesFromOrigin: 50_000, bytesFromDisk: 50_000 });
  t.match(reports, [
    { url: `${on.origin.url}/1.ts`, status: 200, bytesFromFlights: 50_000, bytesFromDisk: 0 },
    { status: 200, cacheStatus: "reelcache; hit", bytesFromDisk: 50_000 },
  ]);
  on.server.off("exchange", listener);
  await on.ask("/2.ts");
  await on.origin.until(() => evicted.length === 1, "the older to be evicted");
  t.same(evicted, [`${on.origin.url}/1.ts`]);
  t.equal(reports.length, 2, "a listener that was taken off hears nothing");
  t.equal(on.server.stats().evictions, 1);
  await clearCache();
  t.match(on.server.stats(), { entries: 0, bytes: 0 });
});
