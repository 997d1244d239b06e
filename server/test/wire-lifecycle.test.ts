/** Restart, clear, stop, kill, and the life of connections (SPEC: R-INDEX, R-DISK, R-HTTP). */

import { join } from "node:path";
import Database from "better-sqlite3";
import t from "tap";
import { askOnce, field, RawPlayer, requestText } from "./support/raw-player.ts";
import {
  barrier,
  bench,
  bodyFault,
  forkProxy,
  headText,
  isHit,
  playlist,
  proxy,
  rawField,
  rawOrigin,
  scratch,
  segment,
  serve,
  until,
} from "./support/wire-bench.ts";

const total = 300_000;
const one = segment(total);
const text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nseg.ts\n#EXT-X-ENDLIST\n";

t.test("a restart keeps the cache: everything is served with the origin gone", async (t) => {
  const on = await bench(t, (request, connection) =>
    serve(connection, request, request.target.endsWith(".m3u8") ? playlist(text) : one),
  );
  const before = { playlist: await on.ask("/index.m3u8"), segment: await on.ask("/seg.ts") };
  await on.ask("/part.ts", { fields: ["Range", "bytes=1000-1999"] });
  await on.server.stop();
  await on.origin.stop();
  const again = await proxy(t, { cacheDir: on.cacheDir });
  const ask = (path: string, fields: string[] = []) => askOnce(again.port, on.query(path), { fields });
  const served = await ask("/seg.ts");
  t.equal(served.status, 200);
  t.ok(isHit(served), field(served, "cache-status") ?? "no Cache-Status");
  t.equal(bodyFault(served.body, one.body), "");
  t.equal(field(served, "etag"), field(before.segment, "etag"));
  const range = await ask("/seg.ts", ["Range", "bytes=-100"]);
  t.equal(range.status, 206);
  t.equal(bodyFault(range.body, one.body.subarray(total - 100)), "");
  const part = await ask("/part.ts", ["Range", "bytes=1500-1599"]);
  t.equal(part.status, 206, "a stored span of an incomplete resource");
  t.equal(bodyFault(part.body, one.body.subarray(1500, 1600)), "");
  const listed = await ask("/index.m3u8");
  t.equal(listed.status, 200, "the playlist too");
  const port = (body: Buffer): string => body.toString("latin1").replaceAll(/127\.0\.0\.1:\d+/g, "HOST");
  t.equal(port(listed.body), port(before.playlist.body), "the same playlist");
  t.notMatch(listed.body.toString("latin1"), `127.0.0.1:${on.port}/`, "with no trace of the old port");
});

t.test(
  "killed in the middle of a download, the next start serves nothing wrong and goes on from what it has",
  async (t) => {
    const gate = barrier();
    const size = 12_000_000;
    const big = segment(size);
    const origin = await rawOrigin(t, async (request, connection) => {
      const start = Number(/^bytes=(\d+)-/.exec(rawField(request.fields, "Range") ?? "")?.[1] ?? 0);
      const fields = ["Content-Type", "video/mp4", "ETag", '"big"', "Content-Length", String(size - start)];
      if (start > 0) fields.push("Content-Range", `bytes ${start}-${size - 1}/${size}`);
      await connection.write(headText(start > 0 ? 206 : 200, "OK", fields));
      await connection.write(big.body.subarray(start, 9_000_000));
      await gate.wait();
      await connection.write(big.body.subarray(Math.max(start, 9_000_000)));
    });
    const cacheDir = scratch(t);
    const first = await forkProxy(t, { cacheDir });
    const target = `/proxy?url=${encodeURIComponent(`${origin.url}/movie.mp4`)}`;
    const small = `/proxy?url=${encodeURIComponent(`${origin.url}/small.mp4`)}`;
    const player = await RawPlayer.connect(first.port);
    await player.open(target);
    await player.take(9_000_000);
    await until(() => committedBytes(cacheDir) >= 4_000_000, "the index to list what is on disk");
    await first.kill();
    const committed = committedBytes(cacheDir);
    player.abort();
    gate.open();
    const second = await forkProxy(t, { cacheDir });
    const response = await askOnce(second.port, target);
    t.equal(response.status, 200);
    t.equal(bodyFault(response.body, big.body), "", "every byte is right");
    t.equal(bodyFault((await askOnce(second.port, small)).body, big.body), "", "a new resource too");
    const starts = origin.requests.map((request) => rawField(request.fields, "Range") ?? "whole");
    t.comment(`asked of the origin: ${starts.join(", ")}`);
    t.match(starts[1], `bytes=${committed}-`, "what was committed was not fetched again");
  },
);

/** Bytes that the index of a running proxy lists as stored. */
function committedBytes(cacheDir: string): number {
  const index = new Database(join(cacheDir, "index.sqlite"), { readonly: true });
  try {
    const row: unknown = index.prepare("SELECT coalesce(sum(end_byte - start_byte), 0) AS bytes FROM span").get();
    return typeof row === "object" && row !== null && "bytes" in row ? Number(row.bytes) : 0;
  } finally {
    index.close();
  }
}

t.test("clear empties the cache", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  await on.ask("/seg.ts");
  await on.server.clearCache();
  const after = await on.ask("/seg.ts");
  t.notOk(isHit(after), field(after, "cache-status") ?? "no Cache-Status");
  t.equal(bodyFault(after.body, one.body), "");
  t.equal(on.origin.requests.length, 2);
  t.ok(isHit(await on.ask("/seg.ts")), "and fills again");
});

t.test("clear during playback: the current responses complete, the next is a miss", async (t) => {
  const gate = barrier();
  const on = await bench(t, async (request, connection) => {
    if (request.target === "/stored.ts" || on.origin.requests.length > 2) return serve(connection, request, one);
    const fields = ["Content-Type", "video/mp2t", "ETag", '"x"', "Content-Length", String(total)];
    await connection.write(headText(200, "OK", fields));
    await connection.write(one.body.subarray(0, 100_000));
    await gate.wait();
    return connection.write(one.body.subarray(100_000));
  });
  await on.ask("/stored.ts");
  const flying = await RawPlayer.connect(on.port);
  await flying.open(on.query("/flying.ts"));
  const start = await flying.take(100_000);
  await on.server.clearCache();
  gate.open();
  t.equal(bodyFault(Buffer.concat([start, await flying.rest()]), one.body), "", "the response under way completes");
  flying.abort();
  for (const path of ["/stored.ts", "/flying.ts"]) {
    const requests = on.origin.requests.length;
    t.equal(bodyFault((await on.ask(path)).body, one.body), "", path);
    t.equal(on.origin.requests.length, requests + 1, `${path} is a miss`);
  }
});

t.test("stop ends in time though players are connected, and the port is free afterwards", async (t) => {
  const gate = barrier();
  t.teardown(() => gate.open());
  const on = await bench(t, async (_request, connection) => {
    await connection.write(headText(200, "OK", ["Content-Type", "video/mp2t", "Content-Length", "1000"]));
    await gate.wait();
  });
  const idle = await RawPlayer.connect(on.port);
  const busy = await RawPlayer.connect(on.port);
  await busy.open(on.query("/seg.ts"));
  await on.server.stop();
  const again = await proxy(t, { cacheDir: scratch(t), port: on.port });
  t.equal(again.port, on.port, "the same port again");
  t.equal((await askOnce(again.port, "/health")).status, 200);
  idle.abort();
  busy.abort();
});

t.test("a taken port is an explicit failure, never another port", async (t) => {
  const on = await bench(t, () => undefined);
  await t.rejects(proxy(t, { cacheDir: scratch(t), port: on.port }), new RegExp(String(on.port)));
});

t.test("a connection is reused for many requests, and closes when the player says so", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  const player = await RawPlayer.connect(on.port);
  for (let index = 0; index < 20; index += 1) {
    const range = ["Range", `bytes=${index * 1000}-${index * 1000 + 999}`];
    const response = await player.ask(on.query("/seg.ts"), { fields: range });
    t.equal(bodyFault(response.body, one.body.subarray(index * 1000, index * 1000 + 1000)), "");
    t.equal(field(response, "connection"), "keep-alive");
  }
  const error = await player.ask("/proxy");
  t.equal(error.status, 400, "an error of the request, not of the connection");
  const last = await player.ask(on.query("/seg.ts"), { close: true });
  t.equal(field(last, "connection"), "close");
  t.equal(bodyFault(last.body, one.body), "");
  await player.closed();
  player.abort();
});

t.test("requests sent in one go are answered in their order", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one));
  const player = await RawPlayer.connect(on.port);
  const ranges = [
    [0, 999],
    [5000, 5009],
    [100, 199],
  ];
  player.send(
    ranges
      .map(([a, b]) => requestText(on.port, on.query("/seg.ts"), { fields: ["Range", `bytes=${a}-${b}`] }))
      .join(""),
  );
  for (const [a, b] of ranges) {
    const head = await player.head();
    t.equal(head.status, 206);
    t.equal(bodyFault(await player.rest(), one.body.subarray(a, (b ?? 0) + 1)), "");
  }
  player.abort();
});

t.test("keepAlive: false closes after each response", async (t) => {
  const on = await bench(t, (request, connection) => serve(connection, request, one), { keepAlive: false });
  const player = await RawPlayer.connect(on.port);
  const response = await player.ask(on.query("/seg.ts"));
  t.equal(field(response, "connection"), "close");
  t.equal(bodyFault(response.body, one.body), "");
  await player.closed();
  player.abort();
});

t.test("an HTTP/1.0 player gets bodies that it understands", async (t) => {
  const on = await bench(t, (request, connection) => {
    if (!request.target.startsWith("/chunked")) return serve(connection, request, one);
    void connection.write(headText(200, "OK", ["Content-Type", "video/mp2t", "Transfer-Encoding", "chunked"]));
    return connection.write("5\r\nhello\r\n0\r\n\r\n");
  });
  const known = await RawPlayer.connect(on.port);
  const response = await known.ask(on.query("/seg.ts"), { version: "1.0" });
  t.same(response.framing, { kind: "length", bytes: total });
  t.equal(bodyFault(response.body, one.body), "");
  await known.closed();
  const unknown = await RawPlayer.connect(on.port);
  const chunked = await unknown.ask(on.query("/chunked.ts"), { version: "1.0" });
  t.equal(chunked.framing.kind, "close", "never chunked to HTTP/1.0");
  t.equal(chunked.body.toString(), "hello");
  await unknown.closed();
});
