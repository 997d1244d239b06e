/** What the proxy does with requests that are not a player's: malformed, too large, too slow (R-HTTP-1 to R-HTTP-6). */
import t, { type Test } from "tap";
import { field, RawPlayer, WireCut } from "./support/raw-player.ts";
import { type Bench, barrier, bench, bodyFault, segment, serve } from "./support/wire-bench.ts";

const one = segment(5000);

async function plain(t: Test, limits: Record<string, number> = {}): Promise<Bench> {
  return bench(t, (request, connection) => serve(connection, request, one), { limits });
}

/** Sends bytes; the first response, if any, and what was wrong with the way the connection ended after it. */
async function lastWords(on: Bench, bytes: string): Promise<{ status: number; fault: string }> {
  const player = await RawPlayer.connect(on.port);
  let status = 0;
  try {
    player.send(bytes);
    status = (await player.head()).status;
    await player.rest();
    await player.closed();
    return { status, fault: "" };
  } catch (error) {
    // Ending the connection without a word is right as well; a response that is cut is not.
    if (error instanceof WireCut && status === 0 && error.received.length === 0) return { status, fault: "" };
    return { status, fault: String(error) };
  } finally {
    player.abort();
  }
}

t.test("shapes that two servers could read differently are 400, and the connection ends", async (t) => {
  const on = await plain(t);
  const host = `Host: 127.0.0.1:${on.port}`;
  const get = `GET ${on.query("/seg.ts")} HTTP/1.1\r\n`;
  const smuggled = `GET ${on.query("/smuggled.ts")} HTTP/1.1\r\n${host}\r\n\r\n`;
  const shapes: [string, string][] = [
    ["both framings", `${get}${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    [
      "both framings, the other order",
      `${get}${host}\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${smuggled}`,
    ],
    ["two Host fields", `${get}${host}\r\nHost: evil.example\r\n\r\n${smuggled}`],
    ["two equal Host fields", `${get}${host}\r\n${host}\r\n\r\n${smuggled}`],
    ["no Host", `${get}Accept: */*\r\n\r\n${smuggled}`],
    ["a bare CR in a value", `${get}${host}\r\nX: a\rb\r\n\r\n${smuggled}`],
    ["a bare CR as line end", `${get}${host}\rX: a\r\n\r\n${smuggled}`],
    ["obsolete folding", `${get}${host}\r\nX: a\r\n folded\r\n\r\n${smuggled}`],
    ["white space before the colon", `${get}${host}\r\nX : a\r\n\r\n${smuggled}`],
    ["a field without colon", `${get}${host}\r\nnonsense\r\n\r\n${smuggled}`],
    ["an empty field name", `${get}${host}\r\n: a\r\n\r\n${smuggled}`],
    ["NUL in a value", `${get}${host}\r\nX: a\0b\r\n\r\n${smuggled}`],
    ["two Content-Lengths", `${get}${host}\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n${smuggled}`],
    ["a signed Content-Length", `${get}${host}\r\nContent-Length: +5\r\n\r\nhello${smuggled}`],
    ["a negative Content-Length", `${get}${host}\r\nContent-Length: -5\r\n\r\n${smuggled}`],
    ["an unknown coding", `${get}${host}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ["chunked twice", `${get}${host}\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ["a space in the target", `GET ${on.query("/seg.ts")} x HTTP/1.1\r\n${host}\r\n\r\n${smuggled}`],
    ["HTTP/2.0 in the request line", `GET ${on.query("/seg.ts")} HTTP/2.0\r\n${host}\r\n\r\n${smuggled}`],
    ["another protocol", `DESCRIBE ${on.query("/seg.ts")} RTSP/1.0\r\n${host}\r\n\r\n${smuggled}`],
    ["another protocol's method without a version", `FLUSH ${on.query("/seg.ts")}\r\n${host}\r\n\r\n${smuggled}`],
    ["PRI without a version", `PRI *\r\n${host}\r\n\r\n${smuggled}`],
    ["no version", `GET ${on.query("/seg.ts")}\r\n${host}\r\n\r\n${smuggled}`],
    ["a lower-case method", `get ${on.query("/seg.ts")} HTTP/1.1\r\n${host}\r\n\r\n${smuggled}`],
    ["garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
  ];
  for (const [name, bytes] of shapes) {
    const { status, fault } = await lastWords(on, bytes);
    t.ok(status === 0 || (status >= 400 && status < 506), `${name}: ${status || "closed"}`);
    t.equal(fault, "", `${name}: nothing comes after that`);
  }
  t.same(
    on.origin.requests.map((request) => request.target),
    [],
    "neither the request nor what was smuggled behind it reached the origin",
  );
});

// R-HTTP-13
t.test("behind a response that is under way, nothing of a refused request's followers is answered", async (t) => {
  const on = await plain(t);
  const host = `Host: 127.0.0.1:${on.port}`;
  const next = `GET ${on.query("/next.ts")} HTTP/1.1\r\n${host}\r\n\r\n`;
  for (const wrong of ["GET /\nConnection: keep-alive\r\n\r\n", "GET / HTTP/2.0\r\nConnection: keep-alive\r\n\r\n"]) {
    const player = await RawPlayer.connect(on.port);
    player.send(`GET /health HTTP/1.1\r\n${host}\r\n\r\n${wrong}${next}`);
    t.equal((await player.head()).status, 200, "what came before is answered");
    await player.rest();
    t.equal((await player.response()).status, 400, JSON.stringify(wrong));
    await player.closed();
  }
  t.equal(on.origin.requests.length, 0, "what came behind is not");
});

// R-HTTP-4
t.test("a GET with a body is refused, and its body never taken for a request", async (t) => {
  const on = await plain(t);
  const inner = `GET ${on.query("/smuggled.ts")} HTTP/1.1\r\nHost: 127.0.0.1:${on.port}\r\n\r\n`;
  const head = `GET ${on.query("/seg.ts")} HTTP/1.1\r\nHost: 127.0.0.1:${on.port}\r\nContent-Length: ${inner.length}\r\n\r\n`;
  const player = await RawPlayer.connect(on.port);
  player.send(head + inner);
  const response = await player.response();
  t.equal(response.status, 400);
  player.abort();
  const after = await on.ask("/seg.ts");
  t.equal(bodyFault(after.body, one.body), "");
  t.notOk(
    on.origin.requests.some((request) => request.target === "/smuggled.ts"),
    "the body was not run",
  );
});

t.test("other methods are 405 and name what is allowed", async (t) => {
  const on = await plain(t);
  // The last two are tokens that no list of methods has.
  for (const method of ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "BREW", "get"]) {
    const response = await on.ask("/seg.ts", { method, fields: method === "POST" ? ["Content-Length", "0"] : [] });
    t.equal(response.status, 405, method);
    for (const allowed of ["GET", "HEAD", "OPTIONS"]) t.match(field(response, "allow"), allowed, `${method}: Allow`);
  }
  t.equal(on.origin.requests.length, 0);
});

t.test("CONNECT opens no tunnel", async (t) => {
  const on = await plain(t);
  const authority = `127.0.0.1:${on.origin.port}`;
  const player = await RawPlayer.connect(on.port);
  player.send(
    `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\nGET /seg.ts HTTP/1.1\r\nHost: ${authority}\r\n\r\n`,
  );
  try {
    const response = await player.response();
    t.ok(response.status >= 400, `${response.status}`);
    await player.closed();
  } catch (error) {
    t.ok(error instanceof WireCut, "or the connection just ends");
  }
  player.abort();
  t.equal(on.origin.connections.length, 0, "no connection to the origin");
});

t.test("the absolute form works when it names the proxy, and not otherwise", async (t) => {
  const on = await plain(t);
  const named = await on.ask("/seg.ts", {});
  t.equal(named.status, 200);
  for (const [authority, good] of [
    [`127.0.0.1:${on.port}`, true],
    ["evil.example", false],
  ] as const) {
    const player = await RawPlayer.connect(on.port);
    player.send(`GET http://${authority}${on.query("/seg.ts")} HTTP/1.1\r\nHost: 127.0.0.1:${on.port}\r\n\r\n`);
    const response = await player.response();
    t.equal(response.status === 200, good, `${authority}: ${response.status}`);
    player.abort();
  }
});

// R-HTTP-1, R-HTTP-6
t.test("a target that is too long is 414, a head that is too large 431", async (t) => {
  const on = await plain(t);
  const long = await on.ask(`/${"a".repeat(20_000)}.ts`);
  t.equal(long.status, 414);
  const large = await on.ask("/seg.ts", { fields: ["X-Large", "b".repeat(70_000)] });
  t.equal(large.status, 431);
  const many = await on.ask("/seg.ts", {
    fields: Array.from({ length: 20_000 }, (_, at) => (at % 2 ? "v" : `X-${at}`)),
  });
  t.equal(many.status, 431);
  const justRight = await on.ask(`/${"a".repeat(10_000)}.ts`);
  t.equal(justRight.status, 200, "10,000 bytes are a signed URL");
});

t.test("a player that does not complete its head gets 408, and others are served meanwhile", async (t) => {
  const on = await plain(t, { requestHeadMs: 300 });
  const player = await RawPlayer.connect(on.port);
  player.send(`GET ${on.query("/seg.ts")} HTTP/1.1\r\nHost: 127.`);
  t.equal((await on.ask("/seg.ts")).status, 200, "another player");
  const late = await player.response();
  t.equal(late.status, 408);
  await player.closed();
  player.abort();
});

t.test("a head that arrives byte by byte is a head", async (t) => {
  const on = await plain(t);
  const player = await RawPlayer.connect(on.port);
  const bytes = `GET ${on.query("/seg.ts")} HTTP/1.1\r\nHost: 127.0.0.1:${on.port}\r\n\r\n`;
  for (const byte of bytes) {
    player.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(bodyFault((await player.response()).body, one.body), "");
  player.abort();
});

t.test(
  "an error says what is wrong as a problem document, with the same order of fields as any response",
  async (t) => {
    const on = await plain(t);
    const response = await on.ask("/seg.ts", { method: "POST", fields: ["Content-Length", "0"] });
    t.equal(field(response, "content-type"), "application/problem+json");
    const problem: unknown = JSON.parse(response.body.toString("utf8"));
    t.match(problem, { type: "urn:reelcache:error:method-not-allowed", status: 405, title: String });
    t.ok(field(response, "date") !== null, "Date");
    t.ok(field(response, "connection") !== null, "Connection");
  },
);

// R-HTTP-13
t.test("what stands before nonsense is answered first, then the nonsense, and nothing behind it", async (t) => {
  const gate = barrier();
  const on = await bench(t, async (request, connection) => {
    await gate.wait();
    return serve(connection, request, one);
  });
  const host = `Host: 127.0.0.1:${on.port}`;
  const player = await RawPlayer.connect(on.port);
  player.send(`GET ${on.query("/seg.ts")} HTTP/1.1\r\n${host}\r\n\r\nnonsense\r\n\r\n`);
  await on.origin.until(() => on.origin.requests.length === 1, "the request at the origin");
  player.send(`GET ${on.query("/behind.ts")} HTTP/1.1\r\n${host}\r\n\r\n`);
  gate.open();
  t.equal((await player.head()).status, 200, "the first");
  t.equal(bodyFault(await player.rest(), one.body), "", "whole");
  t.equal((await player.response()).status, 400, "the second");
  await player.closed();
  t.equal(on.origin.requests.length, 1, "and no third");
  player.abort();
});

t.test("bytes behind a request that asks for the end of the connection harm its response in no way", async (t) => {
  const gate = barrier();
  const on = await bench(t, async (request, connection) => {
    await gate.wait();
    return serve(connection, request, one);
  });
  const get = `GET ${on.query("/seg.ts")} HTTP/1.1\r\nHost: 127.0.0.1:${on.port}\r\n`;
  const player = await RawPlayer.connect(on.port);
  player.send(`${get}Connection: close\r\n\r\n${get}\r\n`);
  await on.origin.until(() => on.origin.requests.length === 1, "the request at the origin");
  gate.open();
  t.equal(bodyFault((await player.response()).body, one.body), "");
  await player.closed();
  player.abort();
});

// R-HTTP-12
t.test("a target with bytes from 0x80 on is 400: a URL has them escaped", async (t) => {
  const on = await plain(t);
  for (const path of ["/caf\u00c3\u00a9.ts", "/\u00e9.ts"]) {
    const player = await RawPlayer.connect(on.port);
    player.send(`GET ${on.path(path)} HTTP/1.1\r\nHost: 127.0.0.1:${on.port}\r\n\r\n`);
    t.equal((await player.response()).status, 400);
    await player.closed();
    player.abort();
  }
});
