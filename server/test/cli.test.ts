import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import t from "tap";
import { runCommand, type World } from "../cli/run.ts";
import { optionTable } from "../options.ts";
import { rootDir, startCommand, startProcess } from "./support/command.ts";

t.test("--help lists every option with its environment variable", async (t) => {
  const { code, out } = await startCommand(t, ["--help"]).ended;
  t.equal(code, 0);
  for (const row of optionTable) {
    t.match(out, new RegExp(`--(no-)?${row.flag}\\b`), row.flag);
    t.match(out, new RegExp(`\\b${row.environment}\\b`), row.environment);
  }
});

t.test("--version prints the package's version", async (t) => {
  const { code, out } = await startCommand(t, ["--version"]).ended;
  t.equal(code, 0);
  t.match(out, /^[0-9]+\.[0-9]+\.[0-9]+\n$/);
});

t.test("R-CLI-1: an unknown option or variable ends with status 2 and its name", async (t) => {
  const flag = await startCommand(t, ["--prot", "1"]).ended;
  t.equal(flag.code, 2);
  t.match(flag.error, /unknown option '--prot' \(Did you mean --port\?\)/);
  const variable = await startCommand(t, [], { REELCACHE_PROT: "1" }).ended;
  t.equal(variable.code, 2);
  t.match(variable.error, /REELCACHE_PROT/);
});

t.test("R-CLI-2: a bad value ends with status 2, naming option, value and what is allowed", async (t) => {
  const flag = await startCommand(t, ["--port", "99999"]).ended;
  t.equal(flag.code, 2);
  t.equal(flag.out, "");
  t.equal(flag.error, 'reelcache: --port: "99999" is not allowed; it must be a whole number from 0 to 65535\n');
  const url = await startCommand(t, ["ftp://example.com/a"]).ended;
  t.equal(url.code, 2);
  t.match(url.error, /"ftp:\/\/example\.com\/a" is not an http or https URL/);
});

t.test("R-CLI-3: listening beyond loopback without a secret ends with status 2", async (t) => {
  const { code, error } = await startCommand(t, ["--host", "0.0.0.0", "--port", "0"]).ended;
  t.equal(code, 2);
  t.match(error, /a secret is required/);
});

t.test("R-CLI-6: a taken port ends with status 3 and a way out", async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const { code, out, error } = await startCommand(t, [
    "--port",
    String(port),
    "--cache-dir",
    t.testdir(),
    "https://example.com/a.m3u8",
  ]).ended;
  t.equal(code, 3);
  t.equal(out, "", "nothing claims to listen");
  t.match(error, new RegExp(`port ${port} is taken .*use --port`));
});

t.test("R-CLI-7: a cache folder that cannot be made ends with status 4", async (t) => {
  const file = join(t.testdir(), "file");
  writeFileSync(file, "");
  const { code, out, error } = await startCommand(t, ["--port", "0", "--cache-dir", join(file, "cache")]).ended;
  t.equal(code, 4);
  t.equal(out, "");
  t.match(error, /file.cache .*--cache-dir/);
});

t.test("R-CLI-10 and R-CLI-8: the first line tells the address, and SIGTERM ends with status 0", async (t) => {
  const command = startCommand(t, ["--port", "0", "--cache-dir", t.testdir(), "https://example.com/a.m3u8?b=1&c"]);
  const { listening } = JSON.parse(await command.line());
  t.match(listening, /^http:\/\/127\.0\.0\.1:[1-9][0-9]*$/);
  t.same(JSON.parse(await command.line()), { page: `${listening}/demo/` });
  const offer = JSON.parse(await command.line());
  t.equal(offer.proxied, `${listening}/proxy?url=https%3A%2F%2Fexample.com%2Fa.m3u8%3Fb%3D1%26c`);
  const answer = await fetch(`${listening}/health`);
  t.equal(answer.status, 200);
  t.match(await answer.json(), { status: "ok" });
  command.child.kill("SIGTERM");
  const { code, error } = await command.ended;
  t.equal(code, 0, error);
});

t.test("a cache folder in use by another server ends with status 4 and names that process", async (t) => {
  const args = ["--port", "0", "--cache-dir", t.testdir(), "https://example.com/a.m3u8"];
  const first = startCommand(t, args);
  await first.line();
  const second = await startCommand(t, args).ended;
  t.equal(second.code, 4);
  t.match(second.error, new RegExp(`in use by process ${first.child.pid}.*--cache-dir`));
});

t.test("R-CLI-11: a flag wins over its variable, and a variable over the default", async (t) => {
  const command = startCommand(t, ["--form", "path", "--port", "0", "https://example.com/a.m3u8"], {
    REELCACHE_FORM: "query",
    REELCACHE_PORT: "1",
    REELCACHE_SECRET: "from-the-variable",
    REELCACHE_CACHE_DIR: t.testdir(),
  });
  const { listening } = JSON.parse(await command.line());
  await command.line();
  const offer = JSON.parse(await command.line());
  t.equal(offer.proxied, `${listening}/~from-the-variable/https/example.com/a.m3u8`);
  command.child.kill("SIGINT");
  t.equal((await command.ended).code, 0);
});

t.test("without a URL the demo is offered, and its origin is let in", async (t) => {
  const command = startCommand(t, ["--port", "0", "--cache-dir", t.testdir()]);
  const { listening } = JSON.parse(await command.line());
  t.same(JSON.parse(await command.line()), { page: `${listening}/demo/` });
  const first = JSON.parse(await command.line());
  const answer = await fetch(first.proxied);
  t.equal(answer.status, 200);
  t.match(await answer.text(), /^#EXTM3U/);
  const page = await fetch(`${listening}/demo/`);
  t.equal(page.status, 200);
  t.match(await page.text(), /MPEG-TS/);
  const root = await fetch(`${listening}/`);
  t.match(await root.text(), /url=demo\//, "the start page leads to the demo");
  command.child.kill("SIGTERM");
  t.equal((await command.ended).code, 0);
});

t.test("a private origin that is not allowed is named at once, with the option that allows it", async (t) => {
  const command = startCommand(t, ["--port", "0", "--cache-dir", t.testdir(), "http://127.0.0.1:8080/a.m3u8"]);
  await command.line();
  await command.line();
  t.match(JSON.parse(await command.line()).note, /--allow-private 127\.0\.0\.1:8080/);
  command.child.kill("SIGTERM");
  t.equal((await command.ended).code, 0);
});

t.test("the start script hands on arguments, status and signals", async (t) => {
  const script = join(rootDir, "scripts/start.mjs");
  const refused = await startProcess(t, process.execPath, [script, "--port", "x"], {}).ended;
  t.equal(refused.code, 2);
  const args = [script, "--port", "0", "--cache-dir", t.testdir(), "https://example.com/a"];
  const command = startProcess(t, process.execPath, args, {});
  t.match(await command.line(), /^\{"listening":/);
  command.child.kill("SIGTERM");
  t.equal((await command.ended).code, 0);
});

t.test("SIGTERM for npm stops the server as well", async (t) => {
  const script = join(rootDir, "scripts/start.mjs");
  const line = `${process.execPath} ${script} --port 0 --cache-dir ${t.testdir()} https://example.com/a; exit $?`;
  const command = startProcess(t, "/bin/sh", ["-c", line], { npm_lifecycle_event: "start" });
  t.match(await command.line(), /^\{"listening":/);
  command.child.kill("SIGTERM");
  // The end of its output is the end of the last process that holds it: the server.
  t.equal((await command.ended).signal, "SIGTERM");
});

/** A world whose server never stops, and whose clock and signals the test drives. */
function hangingWorld(cacheDir: string): { world: World; signal: () => void; clock: { now: number } } {
  const clock = { now: 1_000 };
  let signal = (): void => {
    throw new Error("nobody listens for signals");
  };
  const world: World = {
    args: ["--port", "0", "--cache-dir", cacheDir, "https://example.com/a"],
    environment: {},
    version: "0.0.0",
    start: async () => ({
      url: "http://127.0.0.1:1",
      convertUrl: (url: string) => url,
      servePages: () => undefined,
      stop: () => new Promise<void>(() => undefined),
    }),
    write: () => undefined,
    complain: () => undefined,
    terminal: { out: false, error: false, columns: 80 },
    onStop: (callback) => {
      signal = callback;
    },
    now: () => clock.now,
  };
  return { world, signal: () => signal(), clock };
}

t.test("R-CLI-9: a second signal ends at once, but not the echo of the first", async (t) => {
  const statuses: number[] = [];
  const ready = new Promise<void>((resolve) => {
    const { world, signal, clock } = hangingWorld(t.testdir());
    world.write = () => {
      signal();
      clock.now += 250;
      signal();
      t.same(statuses, [], "the same key press");
      clock.now += 1;
      signal();
      resolve();
    };
    void runCommand(world, (status) => statuses.push(status));
  });
  await ready;
  t.same(statuses, [130]);
});
