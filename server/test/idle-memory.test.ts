/** A proxy that nobody asks: when its memory goes back to the system, and that it does. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mock } from "node:test";
import t from "tap";
import { type IdleServer, keepSmall } from "../cli/idle-memory.ts";
import { rootDir, startCommand, startProcess } from "./support/command.ts";
import { rawOrigin } from "./support/raw-origin.ts";
import { askOnce } from "./support/raw-player.ts";
import { until } from "./support/storage.ts";

/** What the origin says to everything. */
const answer = 'HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\nETag: "v"\r\nContent-Length: 4\r\n\r\nTEST';

/** A server of which a test says what it does, and a log of what was done with it. */
function fakeServer(): { server: IdleServer; state: { running: boolean; exchanges: number; flights: number } } & {
  log: string[];
  ask: () => void;
} {
  const state = { running: true, exchanges: 0, flights: 0 };
  const log: string[] = [];
  const listeners: (() => void)[] = [];
  const server = {
    get running() {
      return state.running;
    },
    stats: () => state,
    trimMemory: () => log.push("trim"),
    on: (_name: string, listener: () => void) => listeners.push(listener),
  };
  keepSmall(server as unknown as IdleServer, () => log.push("collect"));
  return {
    server: server as unknown as IdleServer,
    state,
    log,
    ask: () => {
      for (const listener of listeners) listener();
    },
  };
}

t.test("memory is given back once nobody asks", async (t) => {
  t.beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
  t.afterEach(() => mock.timers.reset());

  t.test("after the start, and not again while nothing happens", async (t) => {
    const on = fakeServer();
    mock.timers.tick(999);
    t.same(on.log, []);
    mock.timers.tick(1);
    t.same(on.log, ["trim", "collect"], "what is let go is collected after it");
    mock.timers.tick(600_000);
    t.equal(on.log.length, 2);
  });

  t.test("a minute after the last request", async (t) => {
    const on = fakeServer();
    mock.timers.tick(1_000);
    on.ask();
    mock.timers.tick(59_000);
    on.ask();
    mock.timers.tick(1_000);
    t.equal(on.log.length, 2, "somebody asked since");
    mock.timers.tick(60_000);
    t.equal(on.log.length, 4);
  });

  t.test("not while a response or a fetch is under way", async (t) => {
    const on = fakeServer();
    on.state.exchanges = 1;
    mock.timers.tick(61_000);
    on.state.exchanges = 0;
    on.state.flights = 1;
    mock.timers.tick(60_000);
    t.same(on.log, []);
    on.state.flights = 0;
    mock.timers.tick(60_000);
    t.same(on.log, ["trim", "collect"]);
  });

  t.test("never of a server that is stopped", async (t) => {
    const on = fakeServer();
    on.state.running = false;
    mock.timers.tick(600_000);
    t.same(on.log, []);
  });
});

t.test("the command that nobody asks is small, and smaller than right after its start", async (t) => {
  // What was changed since the last run is stripped of its types in this one, not in the one that is measured.
  await startCommand(t, ["--version"], { NODE_OPTIONS: "" }).ended;
  const options = ["--json", "--port", "0", "--cache-dir", t.testdir(), "--log-level", "silent"];
  // What a test runner has its children load is not the command's.
  const command = startCommand(t, [...options, "https://example.com/x"], { NODE_OPTIONS: "" });
  await command.line();
  const first = residentMegabytes(command.child.pid);
  let now = first;
  const deadline = performance.now() + 20_000;
  while (now > Math.min(100, first - 2) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    now = residentMegabytes(command.child.pid);
  }
  t.ok(now <= 100, `${now} MB; with compilers for types it would be 110`);
  t.ok(now <= first - 2, `${first} MB at first`);
});

t.test("the command that many ask at once keeps little room for new objects, and for what outlived them", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(answer));
  const folder = t.testdir({ report: {} });
  const options = ["--json", "--port", "0", "--cache-dir", join(folder, "cache"), "--log-level", "silent"];
  // A slow machine must not turn waiting players away here.
  options.push("--allow-private", "127.0.0.1:*", "--limit", "queueWaitMs=120000");
  const report = `--report-on-signal --report-signal=SIGUSR2 --report-exclude-network --report-directory=${folder}/report`;
  const command = startCommand(t, [...options, "https://example.com/x"], { NODE_OPTIONS: report });
  const { port } = new URL(JSON.parse(await command.line()).listening);
  const ask = async (name: string): Promise<number> =>
    (await askOnce(Number(port), `/proxy?url=${encodeURIComponent(`${origin.url}/${name}.ts`)}`)).status;
  for (let round = 0; round < 8; round += 1) {
    const asked = await Promise.all(Array.from({ length: 500 }, (_, at) => ask(`${round}-${at}`)));
    t.ok(asked.every((status) => status === 200));
  }
  command.child.kill("SIGUSR2");
  const ended = (): string | undefined =>
    readdirSync(join(folder, "report"))
      .map((name) => readFileSync(join(folder, "report", name), "utf8"))
      .find((text) => text.endsWith("}\n") || text.endsWith("}"));
  await until(() => ended() !== undefined, "the report");
  const { new_space: room, old_space: old } = JSON.parse(ended() ?? "").javascriptHeap.heapSpaces;
  t.ok(room.committedMemory <= 8_000_000, `${room.committedMemory} bytes`);
  t.ok(old.committedMemory <= 32_000_000, `${old.committedMemory} bytes; grown by three times it would be 40 MB`);
});

t.test("the optimizing compiler has no part in a start, and works once somebody asks", async (t) => {
  const origin = await rawOrigin(t, (_request, connection) => connection.write(answer));
  // What was changed since the last run is stripped of its types in this one, by a library that is worth optimizing.
  await startCommand(t, ["--version"], { NODE_OPTIONS: "" }).ended;
  const options = ["--json", "--port", "0", "--cache-dir", t.testdir(), "--log-level", "silent"];
  options.push("--allow-private", "127.0.0.1:*", "https://example.com/x");
  const command = ["--trace-opt", join(rootDir, "server/reelcache.mjs"), ...options];
  const { child } = startProcess(t, process.execPath, command, { NODE_OPTIONS: "" });
  let said = "";
  child.stdout?.on("data", (text: string) => {
    said += text;
  });
  const optimized = (): boolean => /completed optimizing .*target TURBOFAN/.test(said);
  // V8 writes whenever its buffer is full, in the middle of a line as well: the proxy's own line may come anywhere.
  const listening = (): RegExpExecArray | null => /\{"listening":"([^"]+)"/.exec(said);
  await until(() => listening() !== null, "the proxy to listen");
  t.notOk(optimized(), "nothing until the port is open");
  const { port } = new URL(listening()?.[1] ?? "");
  const target = `/proxy?url=${encodeURIComponent(`${origin.url}/often.ts`)}`;
  const deadline = performance.now() + 60_000;
  let answered = true;
  while (!optimized() && answered && performance.now() < deadline) {
    answered = (await askOnce(Number(port), target)).status === 200;
  }
  t.ok(answered);
  t.ok(optimized(), "what is often asked for");
});

function residentMegabytes(pid: number | undefined): number {
  if (existsSync("/proc/self/status")) {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_000;
  }
  return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) / 1_000;
}
