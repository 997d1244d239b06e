import { execFileSync } from "node:child_process";
import type { LookupAddress } from "node:dns";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import t from "tap";
import type { OriginRequest } from "../edge/origin-client.ts";
import type { OriginLookup } from "../edge/origin-connector.ts";
import { originFraming } from "../edge/origin-head.ts";
import { type Fetched, fetchedBody, originFetch, testClient, testLimits } from "./support/origin-fetch.ts";
import { barrier, type RawConnection, type RawTest, rawOrigin, until } from "./support/raw-origin.ts";

// A transfer that never ends is a failure too, and a quick one.
t.setTimeout(60_000);

const simple = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** One origin that answers each target by a script: bytes, then what becomes of the connection. */
type Script = { bytes: string; after: "stay" | "end" | "reset" };

async function scripted(
  t: RawTest,
  script: Script,
  request: Partial<OriginRequest> = {},
  hooks: Parameters<typeof originFetch>[3] = {},
): Promise<Fetched> {
  const heard = barrier();
  const origin = await rawOrigin(t, async (_request, connection) => {
    await connection.write(script.bytes);
    // A reset throws away what the client has not read yet: it waits until the client has.
    if (script.after === "reset" && script.bytes !== "") await heard.wait();
    if (script.after !== "stay") connection[script.after]();
  });
  const client = testClient(t, { limits: testLimits({ originHeadBytesMax: 4_000 }) });
  const fetched = await originFetch(client, origin.url, request, { onData: () => heard.open(), ...hooks }).over;
  await until(() => client.counts().open === 0, "a failed connection is closed");
  await Promise.all(origin.connections.map((connection: RawConnection) => connection.whenClosed));
  return fetched;
}

t.test("an origin that refuses or hangs up before its head is upstream-refused (R-ORIGIN-8)", async (t) => {
  const gone = await rawOrigin(t, () => undefined);
  await gone.stop();
  const refused = await originFetch(testClient(t), gone.url).over;
  t.equal(refused.failure?.code, "upstream-refused");
  t.match(refused.failure?.detail, "ECONNREFUSED");
  t.equal(refused.story, "done");
  for (const script of [
    { bytes: "", after: "end" },
    { bytes: "", after: "reset" },
    { bytes: "HTTP/1.1 200 OK\r\nContent-Le", after: "end" },
  ] as Script[]) {
    const done = await scripted(t, script);
    t.equal(done.failure?.code, "upstream-refused", JSON.stringify(script));
    t.equal(done.story, "done");
  }
});

t.test("what is not HTTP/1.1 is upstream-protocol (R-ORIGIN-12)", async (t) => {
  const heads = [
    "SSH-2.0-OpenSSH_9\r\n\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
    "HTTP/1.1 200 OK\r\nBad name: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
    `HTTP/1.1 200 OK\r\nX: ${"x".repeat(4_000)}\r\n\r\n`,
    `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(2_000)}\r\n`,
    `HTTP/1.1 200 OK\r\n${"X:\r\n".repeat(1_000)}Content-Length: 2\r\n\r\nok`,
  ];
  for (const bytes of heads) {
    const done = await scripted(t, { bytes, after: "stay" });
    t.equal(done.failure?.code, "upstream-protocol", JSON.stringify(bytes.slice(0, 50)));
    t.equal(done.story, "done");
  }
  const most = `HTTP/1.1 200 OK\r\n${"X:\r\n".repeat(999)}Content-Length: 2\r\n\r\nok`;
  t.equal((await scripted(t, { bytes: most, after: "end" })).failure, null);
});

t.test("100 and 101, never asked for, are upstream-protocol (R-ORIGIN-5)", async (t) => {
  for (const interim of [
    "100 Continue\r\n\r\n",
    "101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "101 X\r\n\r\n",
  ]) {
    const done = await scripted(t, { bytes: `HTTP/1.1 ${interim}${simple}`, after: "stay" });
    t.equal(done.failure?.code, "upstream-protocol", interim);
    t.equal(done.story, "done");
  }
});

t.test("contradicting or unreadable framing is upstream-protocol (R-ORIGIN-13)", async (t) => {
  const framings = [
    "Content-Length: 2\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 2",
    "Content-Length: 2\r\nContent-Length: 3",
    "Content-Length: 2\r\nContent-Length: 2",
    "Content-Length: 2, 2",
    "Content-Length: -2",
    "Content-Length: +2",
    "Content-Length: 0x2",
    "Content-Length: two",
    "Content-Length: 2 2",
    "Content-Length:",
    "Content-Length: 9007199254740993",
    "Content-Length: 99999999999999999999",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: gzip",
  ];
  for (const framing of framings) {
    const done = await scripted(t, { bytes: `HTTP/1.1 200 OK\r\n${framing}\r\n\r\nok`, after: "stay" });
    t.equal(done.failure?.code, "upstream-protocol", framing);
    t.equal(done.story, "done");
  }
  const head = await scripted(
    t,
    { bytes: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", after: "stay" },
    { method: "HEAD" },
  );
  t.equal(head.failure?.code, "upstream-protocol", "for HEAD as well");
});

t.test("the framing is decided by fields, method and status alone (R-ORIGIN-11, R-ORIGIN-13)", async (t) => {
  const length = ["content-LENGTH", "12"];
  const chunked = ["Transfer-Encoding", "Chunked"];
  t.same(originFraming("GET", 200, length), { framing: "length", length: 12, fault: "" });
  t.same(originFraming("GET", 200, chunked), { framing: "chunked", length: -1, fault: "" });
  t.same(originFraming("GET", 200, []), { framing: "close", length: -1, fault: "" });
  t.same(originFraming("HEAD", 200, length), { framing: "none", length: 12, fault: "" });
  for (const fields of [
    [...length, ...chunked],
    [...length, ...length],
    [...chunked, ...chunked],
    ["Content-Length", ""],
  ]) {
    t.not(originFraming("HEAD", 304, fields).fault, "", fields.join(" "));
  }
  t.not(originFraming("GET", 101, []).fault, "");
});

t.test("a chunked body that is not one is upstream-protocol (R-ORIGIN-12)", async (t) => {
  for (const chunk of ["zz\r\nab\r\n", "2\r\nabc\r\n", "-1\r\n", "fffffffffffffffff\r\n", "2\nab\r\n0\r\n\r\n"]) {
    const done = await scripted(t, {
      bytes: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n${chunk}`,
      after: "stay",
    });
    t.equal(done.failure?.code, "upstream-protocol", JSON.stringify(chunk));
    t.match(fetchedBody(done).toString(), /^!/);
  }
});

t.test("a body that ends early is upstream-truncated, after the bytes that came (R-ORIGIN-14)", async (t) => {
  const bodies = ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"];
  for (const body of bodies) {
    for (const after of ["end", "reset"] as const) {
      for (const connection of ["", "Connection: close\r\n"]) {
        const done = await scripted(t, { bytes: `HTTP/1.1 200 OK\r\n${connection}${body}`, after });
        t.equal(done.failure?.code, "upstream-truncated", `${after} ${connection}${body}`);
        t.equal(fetchedBody(done).toString(), "abc");
        t.equal(done.story, "head data done");
      }
    }
  }
});

t.test("a chunked body without its last line is upstream-truncated (R-ORIGIN-14)", async (t) => {
  for (const tail of ["0\r\n", "0", "0\r\nTrailer: x\r\n", "3\r\nab"]) {
    const bytes = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n${tail}`;
    const done = await scripted(t, { bytes, after: "end" });
    t.equal(done.failure?.code, "upstream-truncated", JSON.stringify(tail));
  }
});

t.test(
  "a body that ends with its connection ends well by FIN and is upstream-truncated by RST (R-ORIGIN-15)",
  async (t) => {
    const bytes = "HTTP/1.1 200 OK\r\n\r\nabc";
    const fin = await scripted(t, { bytes, after: "end" });
    t.equal(fin.failure, null);
    t.equal(fin.head?.framing, "close");
    const rst = await scripted(t, { bytes, after: "reset" });
    t.equal(rst.failure?.code, "upstream-truncated");
    t.equal(fetchedBody(rst).toString(), "abc");
  },
);

t.test("a silent head and a dripping head are upstream-timeout (R-ORIGIN-10)", async (t) => {
  const limits = testLimits({ headSilenceMs: 60 });
  const silent = await scripted(t, { bytes: "", after: "stay" }, { limits });
  t.equal(silent.failure?.code, "upstream-timeout");
  t.equal(silent.story, "done");
  const hints = await scripted(
    t,
    { bytes: "HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n", after: "stay" },
    { limits },
  );
  t.equal(hints.failure?.code, "upstream-timeout");
});

t.test("a silent body is upstream-timeout, counted from the last byte (R-ORIGIN-10)", async (t) => {
  const limits = testLimits({ bodySilenceMs: 60 });
  const done = await scripted(
    t,
    { bytes: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", after: "stay" },
    { limits },
  );
  t.equal(done.failure?.code, "upstream-timeout");
  t.equal(fetchedBody(done).toString(), "abc");
});

t.test("a body that comes slowly but steadily is not silent (R-ORIGIN-10)", async (t) => {
  let steady: RawConnection | undefined;
  const origin = await rawOrigin(t, (request, connection) => {
    if (request.target === "/steady") steady = connection;
    return connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcd");
  });
  const client = testClient(t);
  const slow = originFetch(client, `${origin.url}/steady`, { limits: testLimits({ bodySilenceMs: 500 }) });
  // Five transfers, one after the other, are the clock: together they take longer than the silence allowed.
  for (let i = 0; i < 5; i += 1) {
    await originFetch(client, origin.url, { limits: testLimits({ bodySilenceMs: 150 }) }).over;
    await steady?.write("x");
  }
  t.equal((await slow.over).failure, null);
  t.equal(fetchedBody(slow).toString(), "abcdxxxxx");
});

t.test("silence is not counted while the transfer is paused (R-ORIGIN-10)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) =>
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
  );
  const client = testClient(t);
  const limits = testLimits({ bodySilenceMs: 60 });
  const paused = originFetch(client, origin.url, { limits }, { onData: (fetched) => fetched.transfer.pause() });
  await until(() => paused.size === 3, "the first bytes");
  // Two transfers, one after the other, are the clock: each takes the whole silence.
  for (let i = 0; i < 2; i += 1) t.equal((await originFetch(client, origin.url, { limits }).over).done, true);
  t.equal(paused.done, false);
  paused.transfer.resume();
  t.equal((await paused.over).failure?.code, "upstream-timeout");
});

t.test("a connection that does not open in time is upstream-timeout (R-ORIGIN-10)", async (t) => {
  const client = testClient(t, { lookup: () => undefined });
  const done = await originFetch(client, "http://slow.example/", { limits: testLimits({ connectMs: 40 }) }).over;
  t.equal(done.failure?.code, "upstream-timeout");
  t.match(done.failure?.detail, "resolving");
  t.same(client.counts(), { open: 0, idle: 0, active: 0 });
  const mute = net.createServer();
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  t.teardown(() => mute.close());
  const port = (mute.address() as net.AddressInfo).port;
  const tls = await originFetch(testClient(t), `https://127.0.0.1:${port}/`, { limits: testLimits({ connectMs: 80 }) })
    .over;
  t.equal(tls.failure?.code, "upstream-timeout");
  t.match(tls.failure?.detail, "securing");
});

t.test("a name that does not resolve is upstream-dns (R-ORIGIN-7)", async (t) => {
  const lookup: OriginLookup = (name, _options, done) =>
    setImmediate(() => done(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" }), []));
  const done = await originFetch(testClient(t, { lookup }), "http://nowhere.example/").over;
  t.equal(done.failure?.code, "upstream-dns");
  t.equal((await originFetch(testClient(t), "http://nowhere.invalid/").over).failure?.code, "upstream-dns");
});

t.test("addresses that are not public are refused without a connection (R-ORIGIN-6)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple));
  const client = testClient(t, { allowPrivate: [] });
  const hosts = ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "[::]"];
  for (const host of hosts) {
    const done = await originFetch(client, `http://${host}:${origin.port}/`).over;
    t.equal(done.failure?.code, "forbidden-upstream", host);
  }
  for (const host of ["10.0.0.1", "169.254.169.254", "192.168.0.1", "[fe80::1]", "[fd00::1]"]) {
    t.equal((await originFetch(client, `http://${host}/`).over).failure?.code, "forbidden-upstream", host);
  }
  t.equal(origin.connections.length, 0);
});

t.test("of a name's addresses only the allowed ones are connected to (R-ORIGIN-6)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple));
  const answers: LookupAddress[] = [
    { address: "10.1.2.3", family: 4 },
    { address: "127.0.0.1", family: 4 },
  ];
  const lookup: OriginLookup = (_name, _options, done) => setImmediate(() => done(null, answers));
  const open = testClient(t, { lookup, allowPrivate: [`127.0.0.1:${origin.port}`] });
  const done = await originFetch(open, `http://cdn.example:${origin.port}/`).over;
  t.equal(fetchedBody(done).toString(), "ok");
  t.match(origin.requests[0]?.head, `host: cdn.example:${origin.port}\r\n`);
  const shut = testClient(t, { lookup, allowPrivate: [] });
  const refused = await originFetch(shut, `http://cdn.example:${origin.port}/`).over;
  t.equal(refused.failure?.code, "forbidden-upstream");
  t.equal(origin.connections.length, 1);
});

t.test("hosts outside the allow-list and URLs that are none are refused (R-ORIGIN-6)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple));
  const client = testClient(t, { allow: ["cdn.example"] });
  t.equal((await originFetch(client, origin.url).over).failure?.code, "forbidden-upstream");
  const open = testClient(t);
  const urls = ["", "x", "ftp://h/", "http://", "http:///a", "http://a b/", "http://u:p@127.0.0.1/", "http://h:99999/"];
  for (const url of [...urls, `${origin.url}/a b`, `${origin.url}/\u0100`, `${origin.url}/\r\nX: y`]) {
    const done = await originFetch(open, url).over;
    t.equal(done.failure?.code, "bad-url", JSON.stringify(url));
  }
  t.equal(origin.connections.length, 0);
});

t.test("fields that would break the request are an internal failure, never sent (R-ORIGIN-1)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple));
  const client = testClient(t);
  for (const fields of [
    ["X", "a\r\nY: b"],
    ["X Y", "a"],
    ["Transfer-Encoding", "chunked"],
    ["Expect", "100-continue"],
  ]) {
    t.equal((await originFetch(client, origin.url, { fields }).over).failure?.code, "internal", fields.join(": "));
  }
  t.equal(origin.connections.length, 0);
  t.same(client.counts(), { open: 0, idle: 0, active: 0 });
});

t.test("TLS: an unknown certificate is upstream-tls, a known one is good (R-ORIGIN-9)", async (t) => {
  const dir = t.testdir();
  const [key, cert] = [path.join(dir, "key.pem"), path.join(dir, "cert.pem")];
  const subject = ["-subj", "/CN=origin.test", "-addext", "subjectAltName=DNS:origin.test,IP:127.0.0.1"];
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", [...kind, "-keyout", key, "-out", cert, ...subject], { stdio: "ignore" });
  const ca = fs.readFileSync(cert, "utf8");
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple), {
    tls: { key: fs.readFileSync(key, "utf8"), cert: ca },
  });
  const unknown = await originFetch(testClient(t), origin.url).over;
  t.equal(unknown.failure?.code, "upstream-tls");
  t.match(unknown.failure?.detail, "SELF_SIGNED");
  const known = testClient(t, { tls: { ca } });
  for (let i = 0; i < 2; i += 1) t.equal(fetchedBody(await originFetch(known, origin.url).over).toString(), "ok");
  t.same(
    origin.requests.map((request) => request.turn),
    [0, 1],
    "the connection is kept",
  );
  const lookup: OriginLookup = (_name, _options, done) =>
    setImmediate(() => done(null, [{ address: "127.0.0.1", family: 4 }]));
  const named = testClient(t, { tls: { ca }, lookup });
  t.equal((await originFetch(named, `https://origin.test:${origin.port}/`).over).failure, null);
  t.equal((await originFetch(named, `https://other.test:${origin.port}/`).over).failure?.code, "upstream-tls");
  const trusting = testClient(t, { tls: { rejectUnauthorized: false } });
  t.equal((await originFetch(trusting, origin.url).over).failure, null);
});

t.test("TLS to an origin that speaks plain HTTP, or hangs up, is upstream-tls (R-ORIGIN-9)", async (t) => {
  const plain = await rawOrigin(t, () => undefined, { onConnection: (connection) => connection.write(simple) });
  const client = testClient(t);
  t.equal((await originFetch(client, `https://127.0.0.1:${plain.port}/`).over).failure?.code, "upstream-tls");
  const rude = await rawOrigin(t, () => undefined, { onConnection: (connection) => connection.end() });
  t.equal((await originFetch(client, `https://127.0.0.1:${rude.port}/`).over).failure?.code, "upstream-tls");
});
