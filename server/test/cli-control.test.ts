/** The commands for a cache: as processes against a proxy that runs, on a cache folder alone, and their words in a terminal. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { type ControlWorld, runControl } from "../cli/control-run.ts";
import { startServer } from "../index.ts";
import { type Ended, startCommand } from "./support/command.ts";
import { bench, playlist, segment, serve } from "./support/wire-bench.ts";

t.setTimeout(60_000);

const text =
  "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\ns1.ts\n#EXTINF:4,\ns2.ts\n#EXTINF:4,\ns3.ts\n#EXT-X-ENDLIST\n";
const one = segment(20_000);

type Stage = { url: string; port: number; cacheDir: string; run: (...args: string[]) => Promise<Ended> };

/** A running proxy before an origin with a presentation of 12 seconds, and commands that ask it. */
async function stage(t: Test, secret = ""): Promise<Stage> {
  const on = await bench(
    t,
    (request, connection) => {
      if (request.target === "/lost.ts") serve(connection, request, { ...one, fields: ["Cache-Control", "no-store"] });
      else serve(connection, request, request.target === "/v.m3u8" ? { ...playlist(text), etag: '"p"' } : one);
    },
    { secret },
  );
  const run = (...args: string[]): Promise<Ended> => {
    const where = [
      "--port",
      String(on.port),
      "--cache-dir",
      t.testdir(),
      ...(secret === "" ? [] : ["--secret", secret]),
    ];
    return startCommand(t, [...args, ...where]).ended;
  };
  return { url: `${on.origin.url}/v.m3u8`, port: on.port, cacheDir: on.cacheDir, run };
}

function lines(ended: Ended): Record<string, unknown>[] {
  return ended.out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

// R-CLI-12, R-CLI-13
t.test("commands ask the proxy that runs, with its secret, and print JSON lines into a pipe", async (t) => {
  const on = await stage(t, "open-sesame");
  const unknown = await on.run("why", on.url);
  t.equal(unknown.code, 1, "nothing is stored");
  t.match(lines(unknown), [{ kind: "none", playable: false }]);
  const preload = await on.run("preload", on.url, "--seconds", "8");
  t.equal(preload.code, 0, preload.error);
  t.match(lines(preload).at(-1), { state: "done", segments: 2, milliseconds: 8_000 });
  const why = await on.run("why", on.url);
  t.equal(why.code, 0);
  t.match(lines(why), [{ playable: true, complete: false, missing: [{ what: "segment", url: /s3\.ts$/ }] }]);
  t.match(lines(await on.run("ls")), [{ kind: "vod" }, { kind: "media" }, { kind: "media" }]);
  t.equal((await on.run("pin", on.url)).code, 0);
  t.match(lines(await on.run("ls")), [{ pinned: true }, { pinned: true }, { pinned: true }]);
  t.match(lines(await on.run("unpin", on.url)), [{ changed: 3 }]);
  t.match(lines(await on.run("rm", on.url)), [{ removed: 3 }]);
  t.equal((await on.run("rm", on.url)).code, 1, "nothing is left to remove");
  const lost = await on.run("preload", on.url.replace("v.m3u8", "lost.ts"));
  t.equal(lost.code, 1);
  t.match(lines(lost).at(-1), { state: "failed", cause: "not-stored" });
});

// R-CLI-12
t.test("without a proxy the command works on the cache folder itself, and leaves it to the next", async (t) => {
  const on = await stage(t);
  const cacheDir = t.testdir();
  const where = ["--port", "1", "--cache-dir", cacheDir, "--allow-private", "127.0.0.1:*"];
  const preload = await startCommand(t, ["preload", on.url, ...where]).ended;
  t.equal(preload.code, 0, preload.error);
  const server = await startServer({ cacheDir, port: 0, logLevel: "silent" });
  t.teardown(() => server.stop());
  t.match(await server.status(on.url), { complete: true, entries: 4 });
  const held = await startCommand(t, ["ls", ...where]).ended;
  t.equal(held.code, 4, "another process uses the folder");
  t.match(held.error, cacheDir);
  await server.stop();
  t.equal(lines(await startCommand(t, ["ls", ...where]).ended).length, 4);
});

// R-CLI-13
t.test("what is wrong has a status of its own", async (t) => {
  const on = await stage(t);
  const wrong = [
    await on.run("preload"),
    await on.run("preload", "ftp://x"),
    await on.run("preload", on.url, "--colour"),
    await on.run("preload", on.url, "--seconds", "none"),
    await on.run("preload", on.url, "--priority", "10"),
    await on.run("ls", on.url),
    await on.run("why", on.url, on.url),
  ];
  for (const { code, error, out } of wrong) t.match({ code, error, out }, { code: 2, error: /^reelcache: ./, out: "" });
  const other = createServer((_request, response) => response.end("hello"));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const foreign = await startCommand(t, ["ls", "--port", String(port), "--cache-dir", t.testdir()]).ended;
  t.match(foreign, { code: 5, error: /is no proxy of this kind/ });
  const secret = await on.run("ls", "--secret", "wrong-secret");
  t.match(secret, { code: 5, error: /There is nothing at this path/ }, "the proxy runs without one");
  const help = await startCommand(t, ["preload", "--help"]).ended;
  t.equal(help.code, 0);
  t.match(help.out, /--seconds <number>/);
  t.match(help.out, /Exit status: 0 done; 1 not done/);
});

// R-CLI-13
t.test("in a terminal there is a bar, and sentences instead of JSON", async (t) => {
  const on = await stage(t);
  let stop: () => void = () => undefined;
  const say = async (...args: string[]): Promise<{ code: number; out: string }> => {
    let out = "";
    const world: ControlWorld = {
      args: [...args, "--port", String(on.port), "--cache-dir", t.testdir()],
      environment: {},
      start: () => Promise.reject(new Error("a proxy runs")),
      write: (text) => {
        out += text;
      },
      complain: (text) => t.fail(text),
      terminal: { out: true, columns: 80 },
      onStop: (callback) => {
        stop = callback;
      },
      answerMs: 10_000,
    };
    return { code: await runControl(world), out };
  };
  const preload = await say("preload", on.url, "--segments", "2");
  t.equal(preload.code, 0);
  t.match(preload.out, /\r\[#{24}\] .* 8\.0 of 8\.0 s {2}done *\n$/);
  t.ok(
    preload.out.split(/[\r\n]/).every((line) => line.length < 80),
    "no line is broken",
  );
  const why = await say("why", on.url);
  t.match(why.out, /^begins to play without a network, and does not play to its end\n3 resources, /);
  t.match(why.out, /v\.m3u8: 0\.0 to 8\.0 s of 12\.0 s\nmissing segment: .*\/s3\.ts\n$/);
  t.match((await say("ls")).out, /^vod +\S+ \S+ +http.*v\.m3u8\nmedia /);
  t.match(await say("pin", on.url), { code: 0, out: "3 resources\n" });
  t.match((await say("ls")).out, / pinned http/);
  t.match(await say("rm", on.url.replace("v.m3u8", "s1.ts")), { out: "1 resource\n" });
  t.type(stop, "function");
});

// R-CLI-13
t.test("what listens and never answers is given up", async (t) => {
  const mute = createServer(() => undefined);
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  t.teardown(() => mute.close());
  t.teardown(() => mute.closeAllConnections());
  const { port } = mute.address() as AddressInfo;
  let said = "";
  const code = await runControl({
    args: ["ls", "--port", String(port), "--cache-dir", t.testdir()],
    environment: {},
    start: () => Promise.reject(new Error("something listens")),
    write: (text) => t.fail(text),
    complain: (text) => {
      said += text;
    },
    terminal: { out: false, columns: 80 },
    onStop: () => undefined,
    answerMs: 100,
  });
  t.equal(code, 5);
  t.equal(said, `reelcache: 127.0.0.1:${port} does not answer\n`);
});

// R-CLI-13
t.test("a preload goes on when nobody reads its lines any more", async (t) => {
  const on = await stage(t);
  const command = startCommand(t, ["preload", on.url, "--port", String(on.port), "--cache-dir", t.testdir()]);
  command.child.stdout?.destroy();
  t.match(await command.ended, { code: 0, error: "" });
  t.match(lines(await on.run("ls")).length, 4);
});

// R-URL-10, R-PL-18
t.test("a URL that no player would send as it is written is asked for as a player would", async (t) => {
  const on = await stage(t);
  const written = on.url.replace("v.m3u8", "s\u00e9ance 1.ts#t=3");
  t.equal((await on.run("preload", written)).code, 0);
  t.match(lines(await on.run("ls")), [{ url: /\/s%C3%A9ance%201\.ts$/ }]);
  t.match(lines(await on.run("rm", written)), [{ removed: 1 }]);
});

// R-CLI-13, R-PRE-10
t.test("a signal cancels the preload", async (t) => {
  const on = await bench(t, () => undefined);
  const command = startCommand(t, ["preload", `${on.origin.url}/never.ts`, "--port", String(on.port)]);
  t.match(JSON.parse(await command.line()), { state: "active" });
  await on.origin.until(() => on.origin.requests.length === 1, "the request");
  command.child.kill("SIGINT");
  const ended = await command.ended;
  t.equal(ended.code, 130);
  t.match(JSON.parse(ended.out.trimEnd().split("\n").at(-1) ?? ""), { state: "cancelled" });
});
