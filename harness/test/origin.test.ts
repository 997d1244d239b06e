import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { seededBytes } from "../case/body-source.ts";
import type { Reply, Resource } from "../case/case-types.ts";
import { type Origin, startOrigin } from "../origin/origin.ts";
import { loopbackPlace } from "../origin/origin-place.ts";
import { textResource } from "./support/cases.ts";
import { type Heard, listen, open, tell } from "./support/sockets.ts";

type Test = { teardown(fn: () => unknown): unknown };

const digits = "0123456789";

async function originOf(t: Test, resources: Record<string, Resource>): Promise<Origin> {
  const origin = await startOrigin({ resources }, performance.now(), loopbackPlace);
  t.teardown(() => origin.stop());
  return origin;
}

/** The answer to a request that asks for the connection's end, from an origin with one scripted resource. */
async function answered(t: Test, replies: Reply[], fields = "", method = "GET"): Promise<Heard> {
  const origin = await originOf(t, { "/a.ts": textResource(digits, replies) });
  return tell(origin.originUrl, request("/a.ts", fields, method));
}

function request(target: string, fields = "", method = "GET"): string {
  return `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${fields}\r\n`;
}

function withoutDate(heard: Heard): string {
  return heard.text.replace(/Date: [^\r]*\r\n/, "");
}

const good = [
  "Accept-Ranges: bytes",
  'ETag: "v1"',
  "Last-Modified: Sun, 06 Nov 2022 08:49:37 GMT",
  "Connection: close",
  "",
  "",
].join("\r\n");

t.test("a good origin answers with the whole, its length and its validators", async (t) => {
  const heard = await answered(t, []);
  const head = `HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nContent-Length: 10\r\n${good}`;
  t.equal(withoutDate(heard), head + digits);
  t.equal(heard.end, "fin");
});

t.test("a good origin answers a range with exactly that part", async (t) => {
  for (const [range, said, body] of [
    ["bytes=2-4", "bytes 2-4/10", "234"],
    ["bytes=7-", "bytes 7-9/10", "789"],
    ["bytes=-3", "bytes 7-9/10", "789"],
    ["bytes=5-99", "bytes 5-9/10", "56789"],
    ["bytes=-99", "bytes 0-9/10", digits],
  ] as const) {
    const heard = await answered(t, [], `Range: ${range}\r\n`);
    t.match(heard.text, `HTTP/1.1 206 Partial Content\r\n`, range);
    t.match(heard.text, `Content-Length: ${body.length}\r\nContent-Range: ${said}\r\n`, range);
    t.equal(heard.text.split("\r\n\r\n")[1], body, range);
  }
});

t.test("a good origin says 416 beyond the end, and ignores what is no single range", async (t) => {
  const beyond = await answered(t, [], "Range: bytes=10-\r\n");
  t.match(beyond.text, "HTTP/1.1 416 Range Not Satisfiable\r\n");
  t.match(beyond.text, "Content-Range: bytes */10\r\n");
  for (const range of ["bytes=0-1,3-4", "items=0-1", "bytes=-", "bytes=5-2"]) {
    t.match((await answered(t, [], `Range: ${range}\r\n`)).text, "HTTP/1.1 200 OK\r\n", range);
  }
});

t.test("a good origin honours If-Range only for its own strong validator", async (t) => {
  const status = async (condition: string): Promise<string> =>
    (await answered(t, [], `Range: bytes=0-1\r\nIf-Range: ${condition}\r\n`)).text.slice(9, 12);
  t.equal(await status('"v1"'), "206");
  t.equal(await status("Sun, 06 Nov 2022 08:49:37 GMT"), "206");
  t.equal(await status('"v2"'), "200");
  t.equal(await status('W/"v1"'), "200");
  const weak = await originOf(t, { "/a.ts": { ...textResource(digits), etag: 'W/"v1"' } });
  const heard = await tell(weak.originUrl, request("/a.ts", 'Range: bytes=0-1\r\nIf-Range: W/"v1"\r\n'));
  t.match(heard.text, "HTTP/1.1 200 OK\r\n");
});

t.test("a good origin answers 304 to a condition that holds, without a body", async (t) => {
  for (const field of [
    'If-None-Match: W/"v1"',
    "If-None-Match: *",
    "If-Modified-Since: Sun, 06 Nov 2022 08:49:37 GMT",
  ]) {
    const heard = await answered(t, [], `${field}\r\n`);
    t.match(heard.text, "HTTP/1.1 304 Not Modified\r\n", field);
    t.match(heard.text, /\r\n\r\n$/, field);
    t.notMatch(heard.text, "Content-Length", field);
  }
  t.match((await answered(t, [], 'If-None-Match: "v0"\r\n')).text, "HTTP/1.1 200 OK\r\n");
});

t.test("HEAD has the head of GET and no body", async (t) => {
  const heard = await answered(t, [], "", "HEAD");
  t.match(heard.text, "Content-Length: 10\r\n");
  t.match(heard.text, /\r\n\r\n$/);
});

t.test("what is not held is 404, and is logged", async (t) => {
  const origin = await originOf(t, {});
  t.match((await tell(origin.originUrl, request("/b.ts"))).text, "HTTP/1.1 404 Not Found\r\n");
  t.match(origin.log, [
    {
      method: "GET",
      target: "/b.ts",
      status: 404,
      fields: [
        ["Host", "x"],
        ["Connection", "close"],
      ],
    },
  ]);
});

t.test("replies are given in order of the requests, and the last one repeats", async (t) => {
  const replies: Reply[] = [
    { kind: "serve", status: 503 },
    { kind: "serve", reason: "Fine" },
  ];
  const origin = await originOf(t, { "/a.ts": textResource(digits, replies) });
  const lines: string[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    lines.push((await tell(origin.originUrl, request("/a.ts"))).text.split("\r\n")[0] ?? "");
  }
  t.same(lines, ["HTTP/1.1 503 Service Unavailable", "HTTP/1.1 200 Fine", "HTTP/1.1 200 Fine"]);
});

t.test("a new version is served from its reply on, and every version is remembered", async (t) => {
  const next: Reply = { kind: "serve", body: { kind: "text", text: "new" }, etag: '"v2"' };
  const origin = await originOf(t, { "/a.ts": textResource(digits, [{ kind: "serve" }, next, { kind: "serve" }]) });
  const bodies: string[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    bodies.push((await tell(origin.originUrl, request("/a.ts"))).text.split("\r\n\r\n")[1] ?? "");
  }
  t.same(bodies, [digits, "new", "new", "new"]);
  t.same(origin.versions("/a.ts").map(String), [digits, "new"]);
  t.match((await tell(origin.originUrl, request("/a.ts"))).text, 'ETag: "v2"\r\n');
});

t.test("an error's own body is no version of the resource", async (t) => {
  const failing: Reply = { kind: "serve", status: 500, body: { kind: "text", text: "oops" } };
  const origin = await originOf(t, { "/a.ts": textResource(digits, [failing, { kind: "serve" }]) });
  t.match((await tell(origin.originUrl, request("/a.ts"))).text, /\r\n\r\noops$/);
  t.match((await tell(origin.originUrl, request("/a.ts"))).text, new RegExp(`${digits}$`));
  t.same(origin.versions("/a.ts").map(String), [digits]);
});

t.test("lies are told as written: length, range, status, missing fields, extra bytes", async (t) => {
  t.match((await answered(t, [{ kind: "serve", contentLength: 99 }])).text, "Content-Length: 99\r\n");
  t.notMatch((await answered(t, [{ kind: "serve", contentLength: null }])).text, "Content-Length");
  const range = "Range: bytes=1-2\r\n";
  t.match(
    (await answered(t, [{ kind: "serve", contentRange: "bytes 5-6/7" }], range)).text,
    "Content-Range: bytes 5-6/7\r\n",
  );
  t.notMatch((await answered(t, [{ kind: "serve", contentRange: null }], range)).text, "Content-Range");
  t.match((await answered(t, [{ kind: "serve", ignoreRange: true }], range)).text, "HTTP/1.1 200 OK\r\n");
  t.match((await answered(t, [{ kind: "serve", status: 206 }])).text, "Content-Range: bytes 0-9/10\r\n");
  t.match((await answered(t, [{ kind: "serve", extra: "more" }])).text, /0123456789more$/);
  t.notMatch((await answered(t, [{ kind: "serve", without: ["etag"] }])).text, "ETag");
});

t.test("fields are added as written: twice, hop-by-hop, with bytes beyond ASCII", async (t) => {
  const fields: [string, string][] = [
    ["X-A", "1"],
    ["X-A", "2"],
    ["X-\u00e4", "\u00ff"],
    ["Keep-Alive", "timeout=5"],
  ];
  const { text } = await answered(t, [{ kind: "serve", fields }]);
  t.match(text, "X-A: 1\r\nX-A: 2\r\nX-\u00e4: \u00ff\r\nKeep-Alive: timeout=5\r\n");
});

t.test("a chunked body ends with its trailers, a close-delimited one with the connection", async (t) => {
  const chunked = await answered(t, [{ kind: "serve", framing: "chunked", trailers: [["X-T", "1"]] }]);
  t.match(chunked.text, "Transfer-Encoding: chunked\r\n");
  t.match(chunked.text, /\r\n\r\na\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n$/);
  const open = await answered(t, [{ kind: "serve", framing: "close" }]);
  t.notMatch(open.text, "Content-Length");
  t.match(open.text, /Connection: close\r\n\r\n0123456789$/);
});

t.test("gzip is applied to the whole, with its length", async (t) => {
  const { text } = await answered(t, [{ kind: "serve", encoding: "gzip" }]);
  const body = Buffer.from(text.split("\r\n\r\n").slice(1).join("\r\n\r\n"), "latin1");
  t.match(text, "Content-Encoding: gzip\r\n");
  t.match(text, `Content-Length: ${body.length}\r\n`);
  t.equal(String(gunzipSync(body)), digits);
});

t.test("an interim response comes before the final one, a redirect names its place", async (t) => {
  const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  t.equal((await answered(t, [{ kind: "serve", interim: early }])).text.indexOf(`${early}HTTP/1.1 200 OK`), 0);
  const moved = await answered(t, [{ kind: "serve", location: "{other}/b.ts", status: 307 }]);
  t.match(moved.text, /^HTTP\/1.1 307 Temporary Redirect\r\n/);
  t.match(moved.text, /Location: http:\/\/127\.0\.0\.1:\d+\/b\.ts\r\n/);
});

t.test("a raw reply is exactly its head, then the body", async (t) => {
  const head = "HTTP/1.1 200 OK\nContent-Length : 10\n\n";
  const heard = await answered(t, [{ kind: "raw", head, end: "close" }]);
  t.equal(heard.text, head + digits);
});

t.test("a body stops where told and ends as told", async (t) => {
  const origin = await originOf(t, { "/a.ts": textResource(digits, [{ kind: "serve", stopAfter: 4 }]) });
  const kept = await tell(origin.originUrl, "GET /a.ts HTTP/1.1\r\nHost: x\r\n\r\n");
  t.match(kept, { text: /\r\n\r\n0123$/, end: "fin" }, "a cut shows, though the connection was to be kept");
  t.equal((await answered(t, [{ kind: "serve", stopAfter: 4, end: "reset" }])).end, "reset");
  const chunked = await answered(t, [{ kind: "serve", framing: "chunked", stopAfter: 4, end: "close" }]);
  t.match(chunked.text, /\r\n\r\n4\r\n0123\r\n$/);
});

t.test("a reply can be a reset, an end, or silence", async (t) => {
  t.same(await answered(t, [{ kind: "reset" }]), { text: "", end: "reset" });
  t.same(await answered(t, [{ kind: "close" }]), { text: "", end: "fin" });
  const origin = await originOf(t, { "/a.ts": textResource(digits, [{ kind: "silent" }]) });
  const { socket, heard } = open(origin.originUrl);
  socket.write(request("/a.ts"));
  await origin.changes.until(() => origin.log[0]?.done === true);
  socket.destroy();
  t.equal((await heard).text, "");
});

t.test("a barrier holds the head or the body until it is opened", async (t) => {
  const hold = [
    { at: "head" as const, barrier: "head" },
    { at: 4, barrier: "half" },
  ];
  const origin = await originOf(t, { "/a.ts": textResource(digits, [{ kind: "serve", hold }]) });
  const { socket, heard, has } = open(origin.originUrl);
  socket.write(request("/a.ts"));
  await origin.changes.until(() => origin.barriers.reached("head"));
  t.equal(socket.bytesRead, 0);
  origin.barriers.open("head");
  await has("\r\n\r\n0123");
  await origin.changes.until(() => origin.barriers.reached("half"));
  t.equal(origin.log[0]?.bodyBytes, 4);
  origin.barriers.open("half");
  t.match((await heard).text, /\r\n\r\n0123456789$/);
});

t.test("a head comes late and in two halves when the script says so", async (t) => {
  const origin = await originOf(t, {
    "/a.ts": textResource(digits, [{ kind: "serve", latencyMs: 40, headPauseMs: 40 }]),
  });
  const beganAt = performance.now();
  const { hostname, port } = new URL(origin.originUrl);
  const socket = connect(Number(port), hostname);
  t.teardown(() => socket.destroy());
  socket.write(request("/a.ts"));
  const [first] = (await once(socket, "data")) as [Buffer];
  // Timers may fire a little early against this clock.
  t.ok(performance.now() - beganAt >= 35, "nothing came before the latency was over");
  t.match(first.toString("latin1"), /^HTTP\/1\.1 200 OK/);
  t.notMatch(first.toString("latin1"), "\r\n\r\n", "the first half does not end the head");
});

t.test("a paced body takes the time that its rate says", async (t) => {
  const beganAt = performance.now();
  const heard = await answered(t, [{ kind: "serve", rate: 100 }]);
  t.match(heard.text, /0123456789$/);
  t.ok(performance.now() - beganAt >= 60, "ten bytes at a hundred a second are five shares with pauses between");
});

t.test("the other origin has its own port and resources, and shares the rest", async (t) => {
  const origin = await originOf(t, { "/a.ts": textResource("first"), "{other}/a.ts": textResource("second") });
  t.match((await tell(origin.originUrl, request("/a.ts"))).text, /first$/);
  t.match((await tell(origin.otherUrl, request("/a.ts"))).text, /second$/);
  t.same(
    origin.log.map((entry) => entry.origin),
    ["origin", "other"],
  );
});

t.test("an origin that is off refuses and cuts; on again it listens on the same port", async (t) => {
  const origin = await originOf(t, { "/a.ts": textResource(digits, [{ kind: "silent" }, { kind: "serve" }]) });
  const cut = tell(origin.originUrl, request("/a.ts"));
  await origin.changes.until(() => origin.requests("/a.ts") === 1);
  await origin.turn("off");
  t.equal((await cut).end, "reset");
  t.same(await tell(origin.originUrl, request("/a.ts")), { text: "", end: "reset" });
  await origin.turn("off");
  if (process.platform === "linux") {
    // Bound by a connection: the system gives it to nobody who asks for any port.
    const port = Number(new URL(origin.originUrl).port).toString(16).toUpperCase().padStart(4, "0");
    t.match(readFileSync("/proc/net/tcp", "latin1"), new RegExp(`: [0-9A-F]{8}:${port} [0-9A-F:]{13} 01 `));
  }
  await origin.turn("on");
  t.match((await tell(origin.originUrl, request("/a.ts"))).text, /0123456789$/);
});

t.test("a client that leaves is seen to have left", async (t) => {
  const hold = [{ at: 4, barrier: "half" }];
  const origin = await originOf(t, { "/a.ts": textResource(digits, [{ kind: "serve", hold }]) });
  const { socket, has } = open(origin.originUrl);
  socket.write(request("/a.ts"));
  await has("0123");
  t.notOk(origin.closed("/a.ts"));
  socket.end();
  await origin.changes.until(() => origin.closed("/a.ts"));
  t.ok(origin.closed("/a.ts"));
});

t.test("seeded bytes are the same at any offset, and differ between seeds", async (t) => {
  const whole = seededBytes(7, 0, 200_000);
  t.ok(whole.subarray(65_530, 131_080).equals(seededBytes(7, 65_530, 131_080)));
  t.notOk(whole.subarray(0, 64).equals(seededBytes(8, 0, 64)));
  t.notOk(whole.subarray(0, 64).equals(whole.subarray(65_536, 65_600)));
});

t.test("the helpers of these tests hear how a connection ends", async (t) => {
  const url = await listen(t, (socket) => socket.resetAndDestroy());
  t.equal((await tell(url, "x")).end, "reset");
  const polite = await listen(t, (socket) => void once(socket, "data").then(() => socket.end("bye")));
  t.same(await tell(polite, "x"), { text: "bye", end: "fin" });
});
