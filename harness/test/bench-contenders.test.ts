import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { benchCommand } from "../bench/bench-command.ts";
import type { Contender, RunningContender } from "../bench/bench-types.ts";
import { contenders } from "../bench/contenders/index.ts";
import { filled, missingProgram } from "../bench/contenders/nginx.ts";
import { contentOf } from "../bench/content.ts";
import { fetchText } from "../bench/fetch-text.ts";
import { runLoad, sharesOf } from "../bench/load.ts";
import { plainPlan } from "../bench/load-plan.ts";
import { startOrigin } from "../bench/origin.ts";
import { haveWrk, wrkCan } from "../bench/wrk.ts";

t.test("a program that is missing is told with Debian's package", (t) => {
  t.equal(missingProgram("no-such-nginx", "-v", "nginx"), "no-such-nginx is missing (Debian: apt-get install nginx)");
  t.equal(missingProgram(process.execPath, "-v", "node"), null);
  t.end();
});

t.test("words are put into a configuration, and its own braces stay", (t) => {
  t.equal(filled("{port} { a {other} }", { port: "80" }), "80 { a {other} }");
  for (const name of ["nginx-static.conf", "nginx-cache.conf"]) {
    const text = readFileSync(new URL(`../bench/contenders/${name}`, import.meta.url), "utf8");
    t.match(text, /tcp_nopush off;/, name);
    t.match(text, /sendfile_max_chunk 256k;/, name);
    t.match(text, /worker_processes 1;/, name);
  }
  t.end();
});

t.test("the field's default serves right bytes: a miss, a hit, a range, a playlist", async (t) => {
  const { running } = await start(t, "field-default");
  const path = "/b/300000/a.ts";
  const content = contentOf(path)?.toString("latin1");
  for (const turn of ["miss", "hit"]) {
    const { status, text } = await fetchText(running.port, running.targetOf(path));
    t.equal(status, 200);
    t.ok(text === content, turn);
  }
  const target = running.targetOf(path);
  const fields = "Range: bytes=1000-1999\r\n";
  const plan = { ...plainPlan([target], [path], 1_000), fields, status: 206, from: 1_000, checkEvery: 1 };
  const result = await runLoad(running.port, { ...plan, connections: 1, until: "targets" }, tmpdir());
  t.same(result.faults, []);
  t.equal(result.requests, 1);
  const playlist = running.targetOf("/p/3/index.m3u8");
  await fetchText(running.port, playlist);
  const { text } = await fetchText(running.port, playlist);
  t.equal(text.match(/^http:\/\/127\.0\.0\.1:[0-9]+\/proxy\?url=/gm)?.length, 3);
  t.equal((await fetchText(running.port, "/proxy?url=http%3A%2F%2Fexample.com%2F")).status, 403);
});

t.test("the load client tells of wrong status, wrong length and wrong bytes", async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.stop);
  const path = "/b/1000/a.ts";
  const plan = { ...plainPlan([path], [path], 1_000), connections: 1, until: "targets" as const, checkEvery: 1 };
  const faultsOf = async (changes: object): Promise<string> => {
    return (await runLoad(origin.port, { ...plan, ...changes }, tmpdir())).faults.join("; ");
  };
  t.equal(await faultsOf({}), "");
  t.match(await faultsOf({ status: 206 }), /not 206: HTTP\/1\.1 200/);
  t.match(await faultsOf({ bytes: 999 }), /length 1000 for 999/);
  t.match(await faultsOf({ paths: ["/b/1000/b.ts"] }), /wrong bytes after 0/);
  t.match(await faultsOf({ targets: ["/nothing"] }), /not 200: HTTP\/1\.1 404/);
});

t.test("wrk takes plain loads where it is there; their figures are the same either way", async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.stop);
  const folder = mkdtempSync(join(tmpdir(), "reelcache-bench-test-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const path = "/b/2000/a.ts";
  const plan = { ...plainPlan([path], [path], 2_000), client: "wrk" as const, connections: 2 };
  t.equal(wrkCan(plan), haveWrk());
  t.notOk(wrkCan({ ...plan, seconds: 0.5 }), "it counts whole seconds");
  t.notOk(wrkCan({ ...plan, pacePerSecond: 1 }), "it keeps no pace");
  const result = await runLoad(origin.port, plan, folder);
  t.same(result.faults, []);
  t.ok(result.requests > 10);
  t.ok(result.bytes >= result.requests * 2_000);
  t.ok(result.seconds >= 0.9);
  t.ok(result.totalMs.every((time) => time >= 0 && time < 1_500));
  const missing = await runLoad(origin.port, { ...plan, targets: ["/none"] }, folder);
  t.ok(missing.faultCount > 0, "statuses are looked at");
});

t.test("several clients share connections and targets, and leave none out", (t) => {
  const targets = ["/a", "/b", "/c", "/d", "/e"];
  const shares = sharesOf({ ...plainPlan(targets, targets, 1), connections: 5 }, 2);
  t.same(
    shares.map((share) => [share.connections, share.targets, share.paths]),
    [
      [3, ["/a", "/c", "/e"], ["/a", "/c", "/e"]],
      [2, ["/b", "/d"], ["/b", "/d"]],
    ],
  );
  t.equal(sharesOf({ ...plainPlan(targets, [""], 1), connections: 1 }, 4).length, 1);
  t.end();
});

t.test("a link takes its round trip, and handshakes before a connection's first request", async (t) => {
  const origin = await startOrigin();
  t.teardown(origin.stop);
  const timeOf = async (handshakes: number): Promise<number> => {
    const path = `/link/30/100000/${handshakes}/${handshakes}/b/1000/a.ts`;
    const began = performance.now();
    const { text } = await fetchText(origin.port, path);
    t.ok(text === contentOf(path)?.toString("latin1"));
    return performance.now() - began;
  };
  t.ok((await timeOf(0)) >= 29);
  t.ok((await timeOf(3)) >= 119);
});

t.test("cases and contenders are listed with what is missing; a name that nothing has ends with 2", async (t) => {
  let text = "";
  const out = {
    write: (more: string) => {
      text += more;
    },
  };
  const options = { rounds: 1, seconds: 0.1, only: "hit-*", contenders: "*", baseline: "reference", clients: 1 };
  t.equal(await benchCommand({ ...options, list: true, bridge: "/no/such/file" }, out), 0);
  t.match(text, /hit-2k /);
  t.match(text, /bridge .*left out: there is no \/no\/such\/file/);
  t.equal(await benchCommand({ ...options, only: "nothing" }, out), 2);
  t.match(text, /nothing is named nothing/);
});

t.test("a bench that is stopped leaves neither processes nor folders behind", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-bench-test-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const words = ["bench", "--only", "hit-2m", "--contenders", "reference,field-default", "--seconds", "30"];
  const child = spawn(process.execPath, [main, ...words], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  // Until both contenders are there.
  while (childrenOf(child.pid ?? 0).length < 3) await new Promise((resolve) => setTimeout(resolve, 20));
  const started = childrenOf(child.pid ?? 0);
  child.kill("SIGTERM");
  const [code] = await new Promise<[number | null]>((resolve) => child.once("exit", (status) => resolve([status])));
  t.equal(code, 143);
  const deadline = performance.now() + 20_000;
  while (started.some(isAlive) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  t.same(started.filter(isAlive), []);
});

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return text.split(" ").filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

async function start(t: Test, name: string): Promise<{ contender: Contender; running: RunningContender }> {
  const origin = await startOrigin();
  t.teardown(origin.stop);
  const folder = mkdtempSync(join(tmpdir(), "reelcache-bench-test-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const contender = contenders.find((one) => one.name === name);
  if (contender === undefined) throw new Error(`there is no contender ${name}`);
  const place = { folder, originPort: origin.port, siteFolder: folder, options: { bridge: null } };
  const running = await contender.start(place);
  t.teardown(running.stop);
  return { contender, running };
}
