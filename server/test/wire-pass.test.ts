/** Requests that pass through under the http policy, with their content (SPEC: R-PASS-1 to R-PASS-5, R-HTTP-3). */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { field, RawPlayer, requestText } from "./support/raw-player.ts";
import { patternBytes, proxy, type Server, type ServerOptions, scratch, until } from "./support/wire-bench.ts";

t.setTimeout(60_000);

type Seen = { method: string; fields: string[]; bytes: number; digest: string };

type PassBench = { server: Server; port: number; origin: string; seen: Seen[]; connections: () => number };

/** An origin that takes content, and the proxy under the http policy. */
async function passBench(
  t: Test,
  answer: (asked: IncomingMessage, response: ServerResponse, seen: Seen) => void,
  options: ServerOptions = {},
): Promise<PassBench> {
  const seen: Seen[] = [];
  let connections = 0;
  const origin = createServer((asked, response) => {
    const one = { method: asked.method ?? "", fields: asked.rawHeaders, bytes: 0, digest: "" };
    const hash = createHash("sha256");
    seen.push(one);
    asked.on("data", (piece: Buffer) => {
      one.bytes += piece.length;
      hash.update(piece);
    });
    asked.on("end", () => {
      one.digest = hash.digest("hex");
    });
    asked.on("error", () => undefined);
    answer(asked, response, one);
  });
  origin.on("connection", () => {
    connections += 1;
  });
  origin.listen(0, "127.0.0.1");
  await once(origin, "listening");
  t.teardown(() => {
    origin.closeAllConnections();
    origin.close();
  });
  const server = await proxy(t, { cacheDir: scratch(t), policy: "http", ...options });
  const url = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
  return { server, port: server.port, origin: url, seen, connections: () => connections };
}

/** Answers when all content has come. */
function whenRead(status: number, fields: Record<string, string> = {}) {
  return (asked: IncomingMessage, response: ServerResponse): void => {
    asked.on("end", () => {
      response.writeHead(status, { "Content-Length": "2", ...fields });
      response.end("ok");
    });
  };
}

function target(on: PassBench, path: string): string {
  return `/proxy?url=${encodeURIComponent(on.origin + path)}`;
}

function ask(on: PassBench, method: string, path: string, headers: Record<string, string | number>): ClientRequest {
  return request({ host: "127.0.0.1", port: on.port, method, path: target(on, path), headers, agent: false });
}

type Answer = { status: number; headers: IncomingMessage["headers"]; body: Buffer };

async function answerOf(asked: ClientRequest): Promise<Answer> {
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) };
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

t.test("content of known length arrives whole, with its fields, and ends what was stored", async (t) => {
  const on = await passBench(t, (asked, response) => {
    if (asked.method === "PUT") whenRead(201, { Location: "/new?a=1#part" })(asked, response);
    else response.writeHead(200, { "Content-Length": "3", "Cache-Control": "max-age=60", ETag: '"v1"' }).end("abc");
  });
  for (const [when, status] of [
    ["cold", "reelcache; fwd=uri-miss; fwd-status=200; stored"],
    ["warm", "reelcache; hit"],
  ] as const) {
    const asked = ask(on, "GET", "/x", {});
    asked.end();
    t.equal((await answerOf(asked)).headers["cache-status"], status, when);
  }
  const content = patternBytes(0, 300_000);
  const put = ask(on, "PUT", "/x", { "Content-Length": content.length, "X-Own": "1", "If-Match": '"v1"' });
  put.end(content);
  const answer = await answerOf(put);
  t.equal(answer.status, 201);
  t.equal(answer.body.toString(), "ok");
  t.equal(answer.headers.location, `http://127.0.0.1:${on.port}${target(on, "/new?a=1")}`);
  t.equal(answer.headers["cache-status"], "reelcache; fwd=method; fwd-status=201");
  t.equal(answer.headers.connection, "close");
  const seen = on.seen[1];
  t.match(seen, { method: "PUT", bytes: content.length, digest: sha256(content) });
  const names = seen?.fields.map((text) => text.toLowerCase()) ?? [];
  const sent = (name: string): string | undefined => seen?.fields[names.indexOf(name) + 1];
  t.equal(sent("x-own"), "1");
  t.equal(sent("if-match"), '"v1"');
  t.equal(sent("content-length"), String(content.length));
  const again = ask(on, "GET", "/x", {});
  again.end();
  t.equal((await answerOf(again)).headers["cache-status"], "reelcache; fwd=uri-miss; fwd-status=200; stored");
});

t.test("content in chunks streams at the origin's pace, however much it is", async (t) => {
  let go = (): void => undefined;
  const on = await passBench(t, (asked, response) => {
    asked.pause();
    go = () => asked.resume();
    whenRead(200)(asked, response);
  });
  const piece = patternBytes(7, 1_048_576);
  const hash = createHash("sha256");
  const post = ask(on, "POST", "/up", {});
  let sent = 0;
  const pieces = 40;
  const sending = (async () => {
    for (let count = 0; count < pieces; count += 1) {
      hash.update(piece);
      sent += piece.length;
      if (!post.write(piece)) await once(post, "drain");
    }
    post.end();
  })();
  await until(() => on.seen.length === 1, "the request at the origin");
  let before = -1;
  // It stands still once sockets and buffers on the way are full.
  for (let still = 0; still < 10; still = sent === before ? still + 1 : 0) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.ok(sent < pieces * piece.length, `${sent} bytes were taken from the player while the origin read nothing`);
  go();
  await sending;
  t.equal((await answerOf(post)).status, 200);
  t.match(on.seen[0], { bytes: pieces * piece.length, digest: hash.digest("hex") });
});

t.test("a player that expects to be told goes on when the origin is asked", async (t) => {
  const on = await passBench(t, whenRead(200));
  const post = ask(on, "POST", "/up", { Expect: "100-continue", "Content-Length": 5 });
  post.flushHeaders();
  await once(post, "continue");
  post.end("hello");
  t.equal((await answerOf(post)).status, 200);
  t.equal(on.seen[0]?.bytes, 5);
});

t.test("methods without content, of any name, pass; TRACE, and all under the media policy, do not", async (t) => {
  const on = await passBench(t, (_asked, response) => response.writeHead(204).end());
  for (const method of ["DELETE", "POST", "PURGE", "PROPFIND"]) {
    const asked = ask(on, method, "/x", method === "POST" ? { "Content-Length": 0 } : {});
    asked.end();
    t.equal((await answerOf(asked)).status, 204, method);
  }
  t.same(
    on.seen.map((one) => `${one.method} ${one.bytes}`),
    ["DELETE 0", "POST 0", "PURGE 0", "PROPFIND 0"],
  );
  const trace = ask(on, "TRACE", "/x", {});
  trace.end();
  t.equal((await answerOf(trace)).status, 405);
  const media = await passBench(t, whenRead(200), { policy: "media" });
  const post = ask(media, "POST", "/x", { "Content-Length": 0 });
  post.end();
  t.equal((await answerOf(post)).status, 405);
  t.equal(media.seen.length, 0);
});

t.test("what fails is told, and sent once", async (t) => {
  const on = await passBench(
    t,
    (asked, response) => {
      if (asked.url === "/gone") asked.socket.destroy();
      else if (asked.url === "/early")
        response.writeHead(413, { "Content-Length": "2", Connection: "close" }).end("no");
    },
    { limits: { headSilenceMs: 300, breakerFailures: 99 } },
  );
  for (const path of ["/gone", "/gone"]) {
    const post = ask(on, "POST", path, { "Content-Length": 5 });
    post.end("hello");
    t.equal((await answerOf(post)).status, 502);
  }
  t.equal(on.seen.length, 2, "a connection that was lost is no reason to send it again");
  const silent = ask(on, "POST", "/silent", { "Content-Length": 5 });
  silent.end("hello");
  t.equal((await answerOf(silent)).status, 504, "an origin that says nothing");
  const idle = ask(on, "POST", "/silent", { "Content-Length": 5 });
  idle.write("hell");
  t.equal((await answerOf(idle)).status, 504, "a player that sends no more");
  const early = ask(on, "POST", "/early", { "Content-Length": 5 });
  early.write("hell");
  t.equal((await answerOf(early)).status, 413, "an answer before the content is through");
});

t.test("content that comes slowly is waited for as long as it comes", async (t) => {
  const on = await passBench(t, whenRead(200), { limits: { headSilenceMs: 400, requestHeadMs: 400 } });
  const post = ask(on, "POST", "/slow", { "Content-Length": 8 });
  const answered = answerOf(post);
  // Time itself is what this is about: all of it takes longer than the time for one silence.
  for (const byte of "slowly..") {
    post.write(byte);
    await new Promise((resolve) => setTimeout(resolve, 120));
  }
  post.end();
  t.equal((await answered).status, 200);
  t.equal(on.seen[0]?.bytes, 8);
});

t.test("a player that leaves in the midst of its content takes the origin's connection along", async (t) => {
  let closed = false;
  const on = await passBench(t, (asked) => {
    asked.on("close", () => {
      closed = true;
    });
  });
  const post = ask(on, "POST", "/up", { "Content-Length": 1_000 });
  post.on("error", () => undefined);
  post.write("half");
  await until(() => on.seen[0]?.bytes === 4, "the first bytes at the origin");
  post.destroy();
  await until(() => closed, "the end at the origin");
  t.equal(on.seen[0]?.digest, "", "it never looked whole");
});

t.test("behind content no second request is read (R-PASS-2)", async (t) => {
  const on = await passBench(t, whenRead(200));
  const player = await RawPlayer.connect(on.port);
  const head = requestText(on.port, target(on, "/up"), { method: "POST", fields: ["Content-Length", "5"] });
  player.send(`${head}hello${requestText(on.port, target(on, "/next"), {})}`);
  const response = await player.response("POST");
  t.equal(response.status, 200);
  await player.closed();
  t.same(
    on.seen.map((one) => one.method),
    ["POST"],
  );
  player.abort();
});

t.test("behind content that no origin takes the next request is read (R-PASS-2)", async (t) => {
  const on = await passBench(t, whenRead(200));
  const player = await RawPlayer.connect(on.port);
  const refused: [string, number][] = [
    ["/elsewhere", 405],
    ["/proxy?url=ftp%3A%2F%2Fa%2F", 400],
    ["/~wrong/https/a/", 404],
  ];
  for (const [where, status] of refused) {
    player.send(`${requestText(on.port, where, { method: "POST", fields: ["Content-Length", "5"] })}hello`);
    const response = await player.response("POST");
    t.equal(response.status, status, where);
    t.equal(field(response, "connection"), "keep-alive", where);
    const next = await player.ask("/health");
    t.equal(next.status, 200, `the request behind ${where}`);
  }
  player.abort();
  t.same(on.seen, []);
});
