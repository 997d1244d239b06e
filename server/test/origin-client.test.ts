import zlib from "node:zlib";
import t from "tap";
import { fetchedBody, originFetch, testClient, testLimits } from "./support/origin-fetch.ts";
import { barrier, patternBytes, rawField, rawOrigin, until } from "./support/raw-origin.ts";

// A transfer that never ends is a failure too, and a quick one.
t.setTimeout(60_000);

const simple = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

t.test("the request head is host, connection, then the caller's fields as given (R-ORIGIN-1)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple));
  const client = testClient(t);
  await originFetch(client, `${origin.url}/a/%2F;\xe9?x=1&y=[2]`, { fields: ["X-b", "\xe9", "Range", "bytes=0-1"] })
    .over;
  await originFetch(client, origin.url, { method: "HEAD" }).over;
  t.equal(
    origin.requests[0]?.head,
    `GET /a/%2F;\xe9?x=1&y=[2] HTTP/1.1\r\nhost: 127.0.0.1:${origin.port}\r\nconnection: keep-alive\r\nX-b: \xe9\r\nRange: bytes=0-1\r\n\r\n`,
  );
  t.equal(origin.requests[1]?.head, `HEAD / HTTP/1.1\r\nhost: 127.0.0.1:${origin.port}\r\nconnection: close\r\n\r\n`);
});

t.test(
  "the head keeps names, order, repetitions and latin1 bytes, without white space around (R-ORIGIN-16)",
  async (t) => {
    const origin = await rawOrigin(t, (_request, connection) =>
      connection.write(
        "HTTP/1.1 206 Partly  so\r\nx-B:  \xe9 z\t \r\nSET-cookie: a\r\nset-Cookie: b\r\nE:\r\ncontent-length: 0\r\n\r\n",
      ),
    );
    const done = await originFetch(testClient(t), origin.url).over;
    t.same(done.head, {
      status: 206,
      reason: "Partly  so",
      fields: ["x-B", "\xe9 z", "SET-cookie", "a", "set-Cookie", "b", "E", "", "content-length", "0"],
      framing: "length",
    });
    t.equal(done.story, "head done");
  },
);

t.test("the host is named as the URL names it (R-ORIGIN-1)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple));
  const client = testClient(t, {
    lookup: (_name, _options, done) => setImmediate(() => done(null, [{ address: "127.0.0.1", family: 4 }])),
  });
  for (const host of ["CDN.example", "cdn.example", "cdn.example."]) {
    const done = await originFetch(client, `HTTP://${host}:${origin.port}/`).over;
    t.equal(done.failure, null);
    t.equal(rawField(origin.requests.at(-1)?.fields ?? [], "host"), `${host}:${origin.port}`);
  }
});

t.test("a response that comes byte by byte is the same response but for its reason phrase (R-ORIGIN-16)", async (t) => {
  const head = "HTTP/1.1 200 OK\r\nX-Long-name: some  value \r\nTransfer-Encoding: chunked\r\nE:\r\n\r\n";
  const origin = await rawOrigin(t, async (_request, connection) => {
    for (const byte of `${head}5;x=y\r\nhello\r\n1\r\n!\r\n0\r\n\r\n`) {
      await connection.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  const done = await originFetch(testClient(t), origin.url).over;
  t.equal(done.failure, null);
  // Not the reason phrase: the library keeps only the last part of one that comes in several (undici 8.12).
  t.equal(done.head?.status, 200);
  t.same(done.head?.fields, ["X-Long-name", "some  value", "Transfer-Encoding", "chunked", "E", ""]);
  t.equal(fetchedBody(done).toString(), "hello!");
  t.ok(done.pieces.length > 1, "the test did split the response");
});

t.test("a reason phrase that is not visible ASCII is dropped (R-ORIGIN-16)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) =>
    connection.write("HTTP/1.1 200 caf\xe9\r\nContent-Length: 0\r\n\r\n"),
  );
  const done = await originFetch(testClient(t), origin.url).over;
  t.equal(done.head?.reason, "");
});

t.test("bodies arrive whole by length, by chunks and by the end of the connection (R-ORIGIN-2)", async (t) => {
  const body = patternBytes(0, 300_000);
  const origin = await rawOrigin(t, async (request, connection) => {
    if (request.target === "/length") {
      await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
      await connection.write(body);
    } else if (request.target === "/chunked") {
      await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let at = 0; at < body.length; at += 70_001) {
        const piece = body.subarray(at, at + 70_001);
        await connection.write(`${piece.length.toString(16)};x=y\r\n`);
        await connection.write(piece);
        await connection.write("\r\n");
      }
      await connection.write("0\r\nTrailer: x\r\n\r\n");
    } else {
      await connection.write("HTTP/1.1 200 OK\r\n\r\n");
      await connection.write(body);
      connection.end();
    }
  });
  const client = testClient(t);
  for (const framing of ["length", "chunked", "close"]) {
    const done = await originFetch(client, `${origin.url}/${framing}`).over;
    t.equal(done.failure, null, framing);
    t.equal(done.head?.framing, framing);
    t.ok(fetchedBody(done).equals(body), `the ${framing} body is right`);
    t.equal(done.story, "head data done");
  }
});

t.test("redirects are not followed and codings are not undone (R-ORIGIN-2)", async (t) => {
  const packed = zlib.gzipSync("hello");
  const origin = await rawOrigin(t, async (_request, connection) => {
    await connection.write(
      `HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`,
    );
    await connection.write(packed);
  });
  const done = await originFetch(testClient(t), origin.url).over;
  t.equal(done.head?.status, 302);
  t.ok(fetchedBody(done).equals(packed));
  t.equal(origin.requests.length, 1);
});

t.test("interim responses are ignored (R-ORIGIN-5)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) =>
    connection.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Again\r\n\r\n${simple}`),
  );
  const done = await originFetch(testClient(t), origin.url).over;
  t.equal(done.head?.status, 200);
  t.same(done.head?.fields, ["Content-Length", "2"]);
  t.equal(fetchedBody(done).toString(), "ok");
});

t.test("HEAD, 204 and 304 end with their head, even while paused (R-ORIGIN-11)", async (t) => {
  const origin = await rawOrigin(t, (request, connection) =>
    connection.write(`HTTP/1.1 ${request.target.slice(1)} X\r\nContent-Length: 99\r\nETag: "x"\r\n\r\n`),
  );
  const client = testClient(t);
  for (const [method, status] of [
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
  ] as const) {
    const fetched = originFetch(client, `${origin.url}/${status}`, { method });
    fetched.transfer.pause();
    await fetched.over;
    t.equal(fetched.failure, null, `${method} ${status}`);
    t.equal(fetched.head?.framing, "none");
    t.equal(fetched.story, "head done");
    t.equal(rawField(fetched.head?.fields ?? [], "content-length"), "99");
  }
});

t.test("a kept-alive connection is used again, one that the origin closes is not (R-ORIGIN-3)", async (t) => {
  const origin = await rawOrigin(t, (request, connection) => {
    const close = request.target === "/close" ? "Connection: close\r\n" : "";
    return connection.write(`HTTP/1.1 200 OK\r\n${close}Content-Length: 2\r\n\r\nok`);
  });
  const client = testClient(t);
  for (const path of ["/1", "/2", "/close", "/3"]) await originFetch(client, origin.url + path).over;
  t.same(
    origin.requests.map((request) => request.connection),
    [0, 0, 0, 1],
  );
  t.same(client.counts(), { open: 1, idle: 1, active: 0 });
  origin.connections[1]?.end();
  await until(() => client.counts().open === 0, "the idle connection is forgotten");
  t.same(client.counts(), { open: 0, idle: 0, active: 0 });
});

t.test("at most slotsMax + expressMax idle connections are kept (R-ORIGIN-3)", async (t) => {
  const gate = barrier();
  const origin = await rawOrigin(t, async (_request, connection) => {
    await gate.wait();
    return connection.write(simple);
  });
  const client = testClient(t, { limits: testLimits({ slotsMax: 2, expressMax: 1 }) });
  const all = Array.from({ length: 8 }, () => originFetch(client, origin.url));
  await origin.until(() => origin.requests.length === 8, "all are asked at once, each on its own connection");
  t.equal(origin.openCount(), 8);
  t.equal(client.counts().active, 8);
  gate.open();
  await Promise.all(all.map((one) => one.over));
  await origin.until(() => origin.openCount() === 3, "the others are closed");
  t.same(client.counts(), { open: 3, idle: 3, active: 0 });
});

t.test("a request lost on a reused connection is sent once more on a fresh one (R-ORIGIN-4)", async (t) => {
  for (const how of ["end", "reset"] as const) {
    const origin = await rawOrigin(t, (request, connection) =>
      request.turn === 0 ? connection.write(simple) : connection[how](),
    );
    const client = testClient(t);
    await originFetch(client, origin.url).over;
    const done = await originFetch(client, `${origin.url}/again`).over;
    t.equal(done.failure, null, how);
    t.equal(done.story, "head data done");
    t.same(
      origin.requests.map((request) => [request.connection, request.target]),
      [
        [0, "/"],
        [0, "/again"],
        [1, "/again"],
      ],
    );
    await origin.until(() => origin.openCount() === 1, "the lost connection is closed");
    t.same(client.counts(), { open: 1, idle: 1, active: 0 });
  }
});

t.test("a request is retried only once, and only after silence on a reused connection (R-ORIGIN-4)", async (t) => {
  const origin = await rawOrigin(t, async (request, connection) => {
    if (request.target === "/good") return connection.write(simple);
    if (request.target === "/partial") await connection.write("HTTP/1.1 2");
    return connection.end();
  });
  const client = testClient(t);
  const fresh = await originFetch(client, `${origin.url}/lost`).over;
  t.equal(fresh.failure?.code, "upstream-refused");
  t.equal(origin.requests.length, 1, "a fresh connection is not retried");
  await originFetch(client, `${origin.url}/good`).over;
  const twice = await originFetch(client, `${origin.url}/lost`).over;
  t.equal(twice.failure?.code, "upstream-refused");
  t.equal(twice.story, "done");
  t.equal(origin.requests.length, 4, "a reused one once");
  await originFetch(client, `${origin.url}/good`).over;
  const partial = await originFetch(client, `${origin.url}/partial`).over;
  t.equal(partial.failure?.code, "upstream-refused");
  t.equal(origin.requests.length, 6, "an answer that began is not retried");
});

t.test(
  "bytes beyond Content-Length are never delivered, and their connection is not used again (R-ORIGIN-21)",
  async (t) => {
    const origin = await rawOrigin(t, (_request, connection) =>
      connection.write(`${simple}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`),
    );
    const client = testClient(t);
    for (let i = 0; i < 3; i += 1) {
      const done = await originFetch(client, origin.url).over;
      t.equal(fetchedBody(done).toString(), "ok");
      t.equal(done.failure, null);
    }
    t.same(
      origin.requests.map((request) => request.connection),
      [0, 1, 2],
    );
  },
);

t.test("bytes that come late on an idle connection do not answer the next request (R-ORIGIN-21)", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(simple));
  const client = testClient(t);
  await originFetch(client, origin.url).over;
  await origin.connections[0]?.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  const done = await originFetch(client, origin.url).over;
  t.equal(fetchedBody(done).toString(), "ok");
});
