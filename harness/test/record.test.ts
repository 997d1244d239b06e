/** The recorder: a tap that changes nothing, what is read out of its bytes, and recordings that replay. */
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { rootDir, startProcess } from "../../server/test/support/command.ts";
import { RawPlayer } from "../../server/test/support/raw-player.ts";
import type { Case } from "../case/case-types.ts";
import { stepsOf } from "../record/case-steps.ts";
import { parseHar } from "../record/har-check.ts";
import { placeholders, record } from "../record/record.ts";
import { readTap } from "../record/tap-reading.ts";
import { startTap, type Tap } from "../record/tcp-tap.ts";

/** A peer behind a tap: what it was sent, and what it answers is up to the test. */
async function tapped(t: Test): Promise<{ tap: Tap; accept: () => Promise<Socket> }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const tap = await startTap(address === null || typeof address === "string" ? 0 : address.port);
  t.teardown(async () => {
    await tap.close();
    server.close();
  });
  return { tap, accept: async () => (await once(server, "connection"))[0] };
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const answer = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const texts = { target: ({ target }: { target: string }) => ({ raw: target }), text: (value: string) => value };

/** Resolves when so many bytes have come. */
async function bytesOf(socket: Socket, count: number): Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  while (bytes.length < count) bytes = Buffer.concat([bytes, (await once(socket, "data"))[0]]);
  return bytes;
}

t.test("a tap passes every byte on untouched, in both directions, and the ends as they come", async (t) => {
  const { tap, accept } = await tapped(t);
  const accepted = accept();
  const player = await RawPlayer.connect(tap.port);
  const proxy = await accepted;
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  player.send(every);
  t.same(await bytesOf(proxy, 256), every, "player to proxy");
  proxy.write(`HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n`);
  proxy.write(every);
  t.same((await player.response()).body, every, "proxy to player");
  player.finish();
  await once(proxy, "end");
  t.equal(tap.connections[0]?.playerEnd?.how, "close", "FIN stays FIN");
  t.equal(tap.connections[0]?.proxyEnd, null, "and ends one direction only");
  proxy.end();
  await player.closed();
});

t.test("a tap passes a reset on as a reset", async (t) => {
  const { tap, accept } = await tapped(t);
  const accepted = accept();
  const player = await RawPlayer.connect(tap.port);
  const proxy = await accepted;
  player.send("x");
  await once(proxy, "data");
  const reset = new Promise((resolve) => {
    proxy.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    proxy.once("end", () => resolve("FIN"));
  });
  player.reset();
  t.equal(await reset, "ECONNRESET");
  t.equal(tap.connections[0]?.playerEnd?.how, "reset");
});

t.test("a recording keeps the exact heads, the overlap, and how far a player came that left", async (t) => {
  const { tap, accept } = await tapped(t);
  const first = accept();
  const one = await RawPlayer.connect(tap.port);
  const oneProxy = await first;
  const second = accept();
  const two = await RawPlayer.connect(tap.port);
  const twoProxy = await second;
  one.send(get("/a"));
  await bytesOf(oneProxy, get("/a").length);
  two.send(get("/b"));
  await bytesOf(twoProxy, get("/b").length);
  twoProxy.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  t.equal((await two.response()).body.toString(), "abc");
  oneProxy.write(answer("0123456789").slice(0, -4));
  await one.open("/c");
  await one.take(6);
  one.reset();
  await once(oneProxy, "error");
  const recording = readTap(tap, "test 1");
  t.same(
    recording.requests.map(({ target, head }) => [target, head === get(target)]),
    [
      ["/a", true],
      ["/b", true],
      ["/c", false],
    ],
    "as sent, in order",
  );
  t.equal(recording.requests[1]?.response?.body.toString(), "abc", "the body without its chunks");
  t.equal(recording.requests[0]?.response?.complete, false);
  const steps = stepsOf(recording, texts).map((step) => {
    if (step.do === "read") return `read ${step.request} ${step.until}`;
    return `${step.do} ${"request" in step ? step.request : "on" in step ? step.on : "as" in step ? step.as : ""}`;
  });
  t.same(steps, [
    "connect c1",
    "connect c2",
    "send 1 /a",
    "send 2 /b",
    "read 2 /b end",
    "send 3 /c",
    "read 1 /a 6",
    "reset c1",
  ]);
});

t.test("bytes that are no HTTP are no recording", async (t) => {
  const { tap, accept } = await tapped(t);
  const accepted = accept();
  const player = await RawPlayer.connect(tap.port);
  player.send("hello\r\n\r\n");
  await once(await accepted, "data");
  t.throws(() => readTap(tap, "test 1"), { message: /c1: no HTTP\/1 request: hello/ });
});

t.test("ffmpeg is recorded, and its recording replays, seals and holds", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-recording-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const out = join(folder, "recorded/ffmpeg");
  const line = await record({ player: "ffmpeg", set: "byterange-fmp4", out, form: "path" });
  t.match(line, /ffmpeg \d.* plays Byte ranges, fMP4 \(path form\): \d+ requests on \d+ connections/);
  const made: Case = JSON.parse(readFileSync(join(out, "case.json"), "utf8"));
  t.equal(made.id, "recorded/ffmpeg");
  t.same(
    Object.values(made.origin.resources).map((resource) => resource.body),
    [
      { kind: "media", path: "byterange-fmp4/index.m3u8" },
      { kind: "media", path: "byterange-fmp4/media.mp4" },
    ],
    "the origin's resources by name",
  );
  const text = JSON.stringify(made);
  t.notMatch(text, /127\.0\.0\.1|localhost/, "no address of this run is left");
  t.ok(text.includes('["Host","{host}"]'), "the Host field is a placeholder, in its place");
  const { log } = parseHar(readFileSync(join(out, "traffic.har"), "utf8"));
  const sends = made.steps.filter((step) => step.do === "send");
  t.equal(log.entries.length, sends.length, "the HAR has every request");
  t.same(
    log.entries.map((entry) => entry.request.headers.map((header) => header.name)),
    sends.map((step) => step.fields?.map(([name]) => name)),
    "with its fields in their order",
  );
  t.ok(log.entries.every((entry) => /^[0-9a-f]{64}$/.test(entry.response.content._sha256 ?? "")));
  for (const flags of [["--update"], []]) {
    const main = [join(rootDir, "harness/main.ts"), "run", "--cases", folder, ...flags];
    const { code, out: said, error } = await startProcess(t, process.execPath, main, { CI: "" }).ended;
    t.equal(code, 0, `run ${flags}: ${said}${error}`);
  }
});

t.test("no port of the session is left in a case, also not inside a proxied URL", (t) => {
  const text = placeholders({ tapPort: 40_001, originPort: 40_002 });
  t.equal(
    text("http://127.0.0.1:40001/proxy?url=http%3A%2F%2F127.0.0.1%3A40002%2Fa http://127.0.0.1:40003/"),
    "http://{host}/proxy?url=http%3A%2F%2F127.0.0.1%3A8080%2Fa http://127.0.0.1:8080/",
  );
  t.end();
});
