import { connect, createServer, type Server, type Socket } from "node:net";
import t from "tap";
import { burst } from "../../scripts/burst.ts";
import { bodyBytes, burstOrigin } from "../../scripts/burst-origin.ts";
import { startServer } from "../../server/index.ts";

type Test = { testdir(): string; teardown(fn: () => unknown): unknown };

/** The reference server, letting the burst's origin through; its address. */
async function reference(t: Test): Promise<{ url: string; clear: () => void }> {
  const server = await startServer({
    port: 0,
    cacheDir: t.testdir(),
    allowPrivate: ["127.0.0.1:*"],
    maxCacheBytes: 5_000_000,
    logLevel: "silent",
  });
  t.teardown(() => server.stop());
  return { url: `http://127.0.0.1:${server.port}`, clear: () => void server.clearCache() };
}

/** A relay in front of a proxy that changes what comes back. */
async function relay(t: Test, url: string, change: (bytes: Buffer) => Buffer | null): Promise<string> {
  const server: Server = createServer((socket: Socket) => {
    const upstream = connect({ port: Number(new URL(url).port), host: "127.0.0.1" });
    socket.on("error", () => undefined);
    upstream.on("error", () => undefined);
    // The proxy must see its own address in Host.
    socket.on("data", (bytes) =>
      upstream.write(bytes.toString("latin1").replaceAll(/Host: \S+/g, `Host: ${new URL(url).host}`)),
    );
    socket.on("close", () => upstream.destroy());
    upstream.on("close", () => socket.destroy());
    upstream.on("data", (bytes) => {
      const changed = change(bytes);
      if (changed === null) socket.destroy();
      else socket.write(changed);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
}

t.test("a sound proxy survives a burst: every byte is right, whoever leaves or is slow", async (t) => {
  const { url, clear } = await reference(t);
  const result = await burst(url, 40, clear);
  t.same(result.faults, []);
  t.equal(result.requests, 240);
});

t.test("a wrong byte, and a connection that is cut, are found", async (t) => {
  const { url } = await reference(t);
  let pieces = 0;
  const wrong = await relay(t, url, (bytes) => {
    pieces += 1;
    if (pieces % 5 === 0 && bytes.length > 0) bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    return bytes;
  });
  const corrupted = await burst(wrong, 10, () => undefined);
  t.ok(
    corrupted.faults.some((fault) => /the first wrong one at [0-9]+/.test(fault)),
    corrupted.faults.join("\n"),
  );
  let answers = 0;
  const short = await relay(t, url, (bytes) => {
    answers += 1;
    return answers % 7 === 0 ? null : bytes;
  });
  const cut = await burst(short, 10, () => undefined);
  t.ok(
    cut.faults.some((fault) => /cut after [0-9]+ bytes/.test(fault)),
    cut.faults.join("\n"),
  );
});

t.test("the burst's origin: no two resources are alike, and a cut one is whole the second time", async (t) => {
  const origin = await burstOrigin();
  t.teardown(() => origin.close());
  const one = origin.resource("one", 5_000, "cut");
  const two = origin.resource("two", 5_000, "cut");
  t.notOk(bodyBytes(one).equals(bodyBytes(two)));
  t.equal(origin.resource("one", 7, "plain"), one, "a name stands for one resource");
  const first = await fetch(one.url)
    .then(
      (response) => response.arrayBuffer().then(() => "whole"),
      () => "cut",
    )
    .catch(() => "cut");
  t.equal(first, "cut");
  const second = Buffer.from(await (await fetch(one.url)).arrayBuffer());
  t.ok(second.equals(bodyBytes(one)));
});
