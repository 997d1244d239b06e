import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import type { Test } from "tap";
import t from "tap";
import { request } from "undici";
import type { DemoOrigin, DemoOriginOptions } from "../demo/demo-origin.ts";
import { blobByte, blobFill, demoSets, signedQuery, startDemoOrigin } from "../demo/demo-origin.ts";

const segment = readFileSync(fileURLToPath(new URL("../../fixtures/media/ts/seg0.ts", import.meta.url)));
const length = segment.length;

async function origin(t: Test, options: DemoOriginOptions = {}): Promise<DemoOrigin> {
  const started = await startDemoOrigin(options);
  t.teardown(() => started.close());
  return started;
}

type Got = { status: number; fields: Record<string, string | string[] | undefined>; body: Buffer };

/** One request by undici, which sends paths as they are and follows nothing. */
async function get(url: string, headers: Record<string, string> = {}, method: "GET" | "HEAD" = "GET"): Promise<Got> {
  const response = await request(url, { method, headers });
  return {
    status: response.statusCode,
    fields: response.headers,
    body: Buffer.from(await response.body.arrayBuffer()),
  };
}

t.test("a file comes whole with its type, a strong ETag and a date", async (t) => {
  const { url } = await origin(t);
  const { status, fields, body } = await get(`${url}/media/ts/seg0.ts`);
  t.equal(status, 200);
  t.ok(body.equals(segment));
  t.equal(fields["content-type"], "video/mp2t");
  t.equal(fields["content-length"], String(length));
  t.equal(fields["accept-ranges"], "bytes");
  t.match(fields.etag, /^"[0-9a-f]{20}"$/);
  t.match(fields["last-modified"], / GMT$/);
  t.match(fields["cache-control"], "immutable");
  const types: [string, string, string][] = [
    ["multivariant/index.m3u8", "application/vnd.apple.mpegurl", "max-age=60"],
    ["multivariant/v180/seg0.m4s", "video/iso.segment", "public, max-age=31536000, immutable"],
    ["multivariant/subtitles/en/seg0.vtt", "text/vtt; charset=utf-8", "public, max-age=31536000, immutable"],
    ["progressive/movie.mp4", "video/mp4", "public, max-age=31536000, immutable"],
    ["aes/key1.key", "application/octet-stream", "max-age=3600"],
  ];
  for (const [path, type, cacheControl] of types) {
    const got = await get(`${url}/media/${path}`, {}, "HEAD");
    t.strictSame([got.fields["content-type"], got.fields["cache-control"]], [type, cacheControl], path);
  }
});

t.test("one byte range is honoured, several or malformed ones are ignored", async (t) => {
  const { url } = await origin(t);
  const cases: [string, number, number, number][] = [
    ["bytes=0-1", 206, 0, 2],
    ["bytes=100-", 206, 100, length],
    ["bytes=-10", 206, length - 10, length],
    ["BYTES=5-99999999999999999999", 206, 5, length],
    [`bytes=${length - 1}-`, 206, length - 1, length],
    ["bytes=0-1,4-5", 200, 0, length],
    ["bytes=9-3", 200, 0, length],
    ["bytes=-", 200, 0, length],
    ["items=0-1", 200, 0, length],
  ];
  for (const [range, status, start, end] of cases) {
    const got = await get(`${url}/media/ts/seg0.ts`, { range });
    t.equal(got.status, status, range);
    t.ok(got.body.equals(segment.subarray(start, end)), range);
    t.equal(got.fields["content-range"], status === 206 ? `bytes ${start}-${end - 1}/${length}` : undefined, range);
  }
  for (const range of [`bytes=${length}-`, "bytes=-0"]) {
    const got = await get(`${url}/media/ts/seg0.ts`, { range });
    t.strictSame([got.status, got.fields["content-range"], got.body.length], [416, `bytes */${length}`, 0], range);
  }
});

t.test("conditional requests get 304, 412 or the range as the validators say", async (t) => {
  const { url } = await origin(t);
  const target = `${url}/media/ts/seg0.ts`;
  const { fields } = await get(target);
  const etag = String(fields.etag);
  const date = String(fields["last-modified"]);
  const old = "Sun, 01 Jan 2006 00:00:00 GMT";
  const cases: [Record<string, string>, number][] = [
    [{ "if-none-match": etag }, 304],
    [{ "if-none-match": `"x", W/${etag}` }, 304],
    [{ "if-none-match": "*" }, 304],
    [{ "if-none-match": '"x"' }, 200],
    [{ "if-none-match": '"x"', "if-modified-since": date }, 200],
    [{ "if-modified-since": date }, 304],
    [{ "if-modified-since": old }, 200],
    [{ "if-match": etag }, 200],
    [{ "if-match": '"x"' }, 412],
    [{ range: "bytes=0-1", "if-range": etag }, 206],
    [{ range: "bytes=0-1", "if-range": date }, 206],
    [{ range: "bytes=0-1", "if-range": '"x"' }, 200],
    [{ range: "bytes=0-1", "if-range": `W/${etag}` }, 200],
    [{ range: "bytes=0-1", "if-range": old }, 200],
  ];
  for (const [headers, status] of cases) {
    const got = await get(target, headers);
    t.equal(got.status, status, JSON.stringify(headers));
    t.equal(got.fields.etag, etag);
    if (status === 304) t.equal(got.body.length, 0);
  }
});

t.test("HEAD has the fields of GET and no body; other methods are refused; CORS is open", async (t) => {
  const { url } = await origin(t);
  const target = `${url}/media/ts/seg0.ts`;
  const head = await get(target, {}, "HEAD");
  t.strictSame([head.status, head.fields["content-length"], head.body.length], [200, String(length), 0]);
  t.equal(head.fields["access-control-allow-origin"], "*");
  const preflight = await request(target, { method: "OPTIONS" });
  t.equal(preflight.statusCode, 204);
  t.equal(preflight.headers["access-control-allow-methods"], "GET, HEAD, OPTIONS");
  await preflight.body.dump();
  const post = await request(target, { method: "POST", body: "x" });
  t.strictSame([post.statusCode, post.headers.allow], [405, "GET, HEAD, OPTIONS"]);
  await post.body.dump();
});

t.test("nothing outside the media folder is served", async (t) => {
  const { port } = await origin(t);
  const targets = [
    "/media/../../package.json",
    "/media/ts/../../../package.json",
    "/media/%2e%2e/%2e%2e/package.json",
    "/media//etc/passwd",
    "/media/ts",
    "/media/.gitattributes/x",
    "/media/ts/index.m3u8/x",
    "/other/ts/index.m3u8",
    "/constructor/ts/index.m3u8",
  ];
  for (const target of targets) {
    // By hand: clients normalise dot segments before they send.
    const socket = connect(port, "127.0.0.1");
    socket.end(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const [head] = (await once(socket, "data")) as [Buffer];
    t.match(head.toString("latin1"), /^HTTP\/1\.1 404 /, target);
    socket.destroy();
  }
});

t.test("signed resources want the exact query and hand it on to all they name", async (t) => {
  const { url } = await origin(t);
  const entry = `${url}/signed/multivariant/index.m3u8`;
  t.equal((await get(`${entry}?${signedQuery}`)).status, 200);
  for (const query of [
    "",
    `?${signedQuery.replace("~", "%7E")}`,
    `?${signedQuery.replace("%2B", "+")}`,
    `?${signedQuery}&a=b`,
  ]) {
    t.equal((await get(entry + query)).status, 403, query);
  }
  t.equal((await get(`${url}/signed/multivariant/v180/seg0.m4s`)).status, 403);
});

t.test("redirects lead to the plain resource, here or on the machine's other name", async (t) => {
  const { url, port } = await origin(t);
  const here = await get(`${url}/redirect/ts/index.m3u8?a=b`);
  t.strictSame([here.status, here.fields.location], [302, "/media/ts/index.m3u8?a=b"]);
  const there = await get(`${url}/redirect-host/ts/index.m3u8`);
  t.strictSame([there.status, there.fields.location], [302, `http://localhost:${port}/media/ts/index.m3u8`]);
  const back = await get(`${url}/redirect-host/ts/index.m3u8`, { host: `localhost:${port}` });
  t.equal(back.fields.location, `http://127.0.0.1:${port}/media/ts/index.m3u8`);
});

t.test("playlists are compressed for those who accept gzip, under another ETag", async (t) => {
  const { url } = await origin(t);
  const target = `${url}/gzip/ts/index.m3u8`;
  const identity = await get(target);
  t.equal(identity.fields["content-encoding"], undefined);
  const zipped = await get(target, { "accept-encoding": "br, gzip;q=0.5" });
  t.equal(zipped.fields["content-encoding"], "gzip");
  t.equal(zipped.fields["content-length"], String(zipped.body.length));
  t.ok(gunzipSync(zipped.body).equals(identity.body));
  t.not(zipped.fields.etag, identity.fields.etag);
  t.equal(zipped.fields.vary, "Accept-Encoding");
  t.equal((await get(target, { "accept-encoding": "gzip;q=0" })).fields["content-encoding"], undefined);
  t.equal((await get(`${url}/gzip/ts/seg0.ts`, { "accept-encoding": "gzip" })).fields["content-encoding"], undefined);
});

t.test("chunked bodies come without Content-Length, ranges too", async (t) => {
  const { url } = await origin(t);
  for (const headers of [{}, { range: "bytes=10-99" }]) {
    const got = await get(`${url}/chunked/ts/seg0.ts`, headers);
    t.strictSame([got.fields["content-length"], got.fields["transfer-encoding"]], [undefined, "chunked"]);
    t.ok(got.body.equals("range" in headers ? segment.subarray(10, 100) : segment));
  }
});

t.test("a rate is never exceeded, and a slow playlist hands it on", async (t) => {
  const { url } = await origin(t);
  const playlist = await get(`${url}/slow/ts/index.m3u8?rate=5000`);
  t.match(playlist.body.toString(), "\nseg0.ts?rate=5000\n");
  const before = performance.now();
  const got = await get(`${url}/blob/3000/1?rate=10000`);
  t.equal(got.body.length, 3000);
  // 3000 bytes take 300 ms; the first 50 ms' worth goes at once.
  t.ok(performance.now() - before >= 240, `${performance.now() - before} ms`);
  t.equal((await get(`${url}/slow/ts/index.m3u8?rate=0`)).status, 400);
});

t.test("each blob byte is known by seed and offset, and ranges reach far", async (t) => {
  const { url } = await origin(t);
  const buffer = Buffer.alloc(200_001);
  for (const offset of [0, 1, 65_535, 65_537, 2 ** 31 + 3, 2 ** 40 - 7]) {
    blobFill(buffer, 7, offset);
    let wrong = 0;
    for (let at = 0; at < buffer.length; at += 1) if (buffer[at] !== blobByte(7, offset + at)) wrong += 1;
    t.equal(wrong, 0, `from ${offset}`);
  }
  const far = 2 ** 40;
  const got = await get(`${url}/blob/${far + 10}/3.mp4`, { range: `bytes=${far - 100_000}-` });
  blobFill(buffer.subarray(0, 100_010), 3, far - 100_000);
  t.equal(got.fields["content-range"], `bytes ${far - 100_000}-${far + 9}/${far + 10}`);
  t.equal(got.fields["content-type"], "video/mp4");
  t.ok(got.body.equals(buffer.subarray(0, 100_010)));
  t.equal(
    new Set([0, 1, 2, 3, 4, 5, 6, 7].map((n) => [0, 1, 2, 3].map((k) => blobByte(1, n * 65_536 + k)).join())).size,
    8,
  );
});

t.test("a client that does not read holds the origin back", async (t) => {
  const started = await origin(t);
  const socket = connect(started.port, "127.0.0.1").pause();
  t.teardown(() => socket.destroy());
  socket.write(`GET /blob/${2 ** 40}/1 HTTP/1.1\r\nHost: x\r\n\r\n`);
  let last = -1;
  // Until the kernel's buffers are full: two looks with nothing sent in between.
  for (;;) {
    await delay(100);
    const bytes = started.log()[0]?.bytes ?? 0;
    if (bytes > 0 && bytes === last) break;
    if (bytes > 2 ** 28) break;
    last = bytes;
  }
  t.ok((started.log()[0]?.bytes ?? 0) < 2 ** 26, `${started.log()[0]?.bytes} bytes sent to nobody`);
});

t.test("the log has method, target, range, status and bytes, and says which responses ended", async (t) => {
  const finished: string[] = [];
  const started = await origin(t, { log: (entry) => finished.push(`${entry.url} ${entry.complete}`) });
  await get(`${started.url}/media/ts/seg0.ts`, { range: "bytes=0-9" });
  await get(`${started.url}/media/ts/none.ts`);
  await get(`${started.url}/media/ts/seg0.ts`, {}, "HEAD");
  const aborted = await request(`${started.url}/blob/100000000/1?rate=1000`);
  aborted.body.on("error", () => undefined).destroy();
  while (finished.length < 4) await delay(5);
  const seen = started.log().map(({ method, url, range, status, bytes, complete }) => {
    return [method, url, range, status, complete ? bytes : "cut"];
  });
  t.strictSame(seen, [
    ["GET", "/media/ts/seg0.ts", "bytes=0-9", 206, 10],
    ["GET", "/media/ts/none.ts", "", 404, 22],
    ["HEAD", "/media/ts/seg0.ts", "", 200, 0],
    ["GET", "/blob/100000000/1?rate=1000", "", 200, "cut"],
  ]);
  t.match(finished[3], "false");
  started.clearLog();
  t.strictSame(started.log(), []);
});

t.test("closing cuts what is under way, and a taken port is an error", async (t) => {
  const started = await origin(t);
  await t.rejects(startDemoOrigin({ port: started.port }), { code: "EADDRINUSE" });
  const response = await request(`${started.url}/blob/100000000/1?rate=1000`);
  const failed = t.rejects(response.body.arrayBuffer());
  await started.close();
  await failed;
});

/** Sets of few files; the others have an entry playlist and five segments at least. */
const resourcesMin: Record<string, number> = { "byterange-ts": 2, "byterange-fmp4": 2, progressive: 1 };

t.test("everything that every presentation names is there", async (t) => {
  const { url } = await origin(t);
  const follow = async (target: string, seen: Set<string>): Promise<void> => {
    if (seen.has(target)) return;
    seen.add(target);
    const response = await fetch(target);
    const text = await response.text();
    if (response.status !== 200) t.fail(`${response.status} ${target}`);
    if (!text.startsWith("#EXTM3U")) return;
    for (const line of text.split("\n")) {
      const uri = line.startsWith("#") ? /[:,]URI="([^"]*)"/.exec(line)?.[1] : line;
      if (uri) await follow(new URL(uri, response.url).href, seen);
    }
  };
  for (const set of demoSets().filter(({ name }) => name !== "slow")) {
    const seen = new Set<string>();
    await follow(url + set.path, seen);
    t.ok(seen.size >= (resourcesMin[set.name] ?? 6), `${set.name}: ${seen.size} resources`);
  }
});
