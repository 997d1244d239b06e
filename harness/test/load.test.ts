import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { catalogOf, ownCatalog } from "../load/catalog.ts";
import { type LoadOptions, loadCommand } from "../load/load-command.ts";
import { reasonOf } from "../load/load-text.ts";
import { chanceOf, histogramOf, type LoadReport } from "../load/run-load.ts";
import { scenarios } from "../load/scenarios.ts";

t.test(
  "a load of a proxy that it starts itself gives all figures, and ends with 0 when thresholds are met",
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "reelcache-load-test-"));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const json = join(folder, "load.json");
    const { status, text } = await run({ scenario: "hit-mix", seconds: 1, connections: 2, p99: 60_000, json });
    t.equal(status, 0, text);
    const report: LoadReport = JSON.parse(readFileSync(json, "utf8"));
    t.ok(report.requests > 0);
    t.same(Object.keys(report.statuses), ["200"]);
    t.same(report.failures, {});
    t.ok(report.times.p50 <= report.times.p99 && report.times.p99 <= report.times.max);
    t.equal(
      report.histogram.reduce((sum, row) => sum + row.count, 0),
      report.requests,
    );
    t.match(text, /met: p99 in ms/);
    t.match(text, /^ +1 s +[0-9]+\/s/m, "it tells how it goes");
  },
);

t.test("a missed threshold ends with 1 and is told", async (t) => {
  const target = await serve(t, (_request, response) => response.end("#EXTM3U\n"));
  const { status, text } = await run({ target, scenario: "hit-mix", seconds: 1, p50: 0.000_1 });
  t.equal(status, 1, text);
  t.match(text, /MISSED: p50 in ms/);
});

t.test("failed answers are a missed threshold, unless so many are allowed", async (t) => {
  let asked = 0;
  const target = await serve(t, (_request, response) => {
    asked += 1;
    // What is asked for beforehand is there: the live playlist.
    response.writeHead(asked === 1 ? 200 : 503).end();
  });
  const { status, text } = await run({ target, scenario: "miss-mix", seconds: 1, connections: 1 });
  t.equal(status, 1, text);
  t.match(text, /[0-9]+ × 503/);
  asked = 0;
  t.equal((await run({ target, scenario: "miss-mix", seconds: 1, connections: 1, failures: 100 })).status, 0);
});

t.test("what keeps a load from beginning is told in words", async (t) => {
  const unknown = await run({ scenario: "other" });
  t.equal(unknown.status, 2);
  t.match(unknown.text, /there is no scenario other; there are:\n {2}hit-mix/);
  t.equal((await run({ target: "ftp://x" })).status, 2);
  const closed = await run({ target: "http://127.0.0.1:9" });
  t.equal(closed.status, 3);
  t.match(closed.text, /nobody listens there/);
  const refused = await serve(t, (_request, response) => {
    response.writeHead(403).end('{"type":"urn:reelcache:error:forbidden-upstream"}');
  });
  const forbidden = await run({ target: refused });
  t.equal(forbidden.status, 3);
  t.match(forbidden.text, /403 forbidden-upstream; start it with --allow-private/);
  t.match((await run({ playlist: "http://127.0.0.1:9/x.m3u8" })).text, /cannot be had/);
});

t.test("a playlist of one's own is followed to its first variant", async (t) => {
  const origin = await serve(t, (request, response) => {
    if (request.url === "/multi.m3u8") response.end("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv/index.m3u8\n");
    else if (request.url === "/v/index.m3u8")
      response.end('#EXTM3U\r\n#EXT-X-MAP:URI="i.mp4"\r\n#EXTINF:1,\r\na.m4s\r\n');
    else response.end("no playlist");
  });
  const catalog = await catalogOf(`${origin}/multi.m3u8`);
  t.same(catalog.shows, [
    {
      playlists: [`${origin}/multi.m3u8`, `${origin}/v/index.m3u8`],
      init: `${origin}/v/i.mp4`,
      segments: [`${origin}/v/a.m4s`],
    },
  ]);
  t.not(catalog.fresh(`${origin}/v/a.m4s?x`), catalog.fresh(`${origin}/v/a.m4s?x`));
  await t.rejects(catalogOf(`${origin}/other`), { message: /is no playlist/ });
});

t.test("players of every scenario ask for what the catalog has; misses never twice for the same", (t) => {
  const catalog = ownCatalog(1);
  for (const scenario of scenarios) {
    const player = scenario.player(catalog, chanceOf(7));
    const asked = Array.from({ length: 200 }, () => player().url);
    t.ok(
      asked.every((url) => url.startsWith("http://127.0.0.1:1/")),
      scenario.name,
    );
    if (scenario.name === "miss-mix") t.equal(new Set(asked).size, asked.length);
    if (scenario.name === "hit-mix") t.ok(asked.every((url) => scenario.primed(catalog).includes(url)));
  }
  t.end();
});

t.test("the histogram counts each answer once, in doubling bounds", (t) => {
  t.same(histogramOf([0.1, 0.2, 0.9, 3]), [
    { upToMs: 0.25, count: 2 },
    { upToMs: 0.5, count: 0 },
    { upToMs: 1, count: 1 },
    { upToMs: 2, count: 0 },
    { upToMs: 4, count: 1 },
  ]);
  t.same(histogramOf([]), []);
  t.end();
});

t.test("failures have words, and keep their code", (t) => {
  t.match(reasonOf("ECONNREFUSED"), /nobody listens.*ECONNREFUSED/);
  t.match(reasonOf("connect ECONNRESET 1.2.3.4"), /cut/);
  t.equal(reasonOf("something else"), "something else");
  t.end();
});

async function run(options: Partial<LoadOptions>): Promise<{ status: number; text: string }> {
  let text = "";
  const whole = { scenario: "hit-mix", mapping: "query", seconds: 1, seed: 1, failures: 0, ...options };
  const out = {
    write: (more: string) => {
      text += more;
    },
  };
  const status = await loadCommand(whole, out);
  return { status, text };
}

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${address !== null && typeof address === "object" ? address.port : 0}`;
}
