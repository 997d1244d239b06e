import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { findCases } from "../case/case-files.ts";
import type { Case, Step } from "../case/case-types.ts";
import type { Oracle, RunResult } from "../case/result-types.ts";
import { knownFailures } from "../run/known-failures.ts";
import { exitCodeOf, runAll } from "../run/run-all.ts";
import { type RunOptions, runCommand } from "../run/run-command.ts";
import { commandLauncher } from "../sut/command.ts";
import { mappingOf } from "../sut/mapping.ts";
import { referenceLauncher } from "../sut/reference.ts";
import { type Launcher, launchedTarget } from "../sut/target.ts";
import { makeCase, textResource } from "./support/cases.ts";
import { listen } from "./support/sockets.ts";

type Test = { teardown(fn: () => unknown): unknown };

const here = dirname(fileURLToPath(import.meta.url));
const serverFolder = join(here, "..", "..", "server");
const plainProxy = `'${process.execPath}' '${join(here, "support", "plain-proxy.ts")}'`;
const defaults = { repeat: "1", seed: "0", jobs: "2" };

const get: Step = { do: "get", request: "cold", path: "/a.ts" };
const simple = makeCase("test/simple", { "/a.ts": textResource("0123456789") }, [get, { ...get, request: "warm" }]);

/** A folder that goes at teardown. */
function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), "reelcache-harness-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function writeCases(folder: string, cases: Case[]): string {
  for (const one of cases) {
    mkdirSync(join(folder, one.id), { recursive: true });
    writeFileSync(join(folder, one.id, "case.json"), JSON.stringify(one));
  }
  return folder;
}

/** Runs the command on a folder of cases; what it said, its status, and every finding as "target by: message". */
async function run(
  cases: string,
  options: Partial<RunOptions> = {},
  environment: Record<string, string> = {},
): Promise<{ status: number; said: string; findings: string; played: string[] }> {
  let said = "";
  const json = join(cases, "result.json");
  const write = (text: string): void => {
    said += text;
  };
  const status = await runCommand({ ...defaults, cases, json, ...options }, environment, { write });
  const { results } = JSON.parse(readFileSync(json, "utf8")) as RunResult;
  const findings = results.flatMap((one) =>
    one.findings.map((finding) => `${one.target} ${finding.by}: ${finding.message}\n`),
  );
  return { status, said, findings: findings.join(""), played: results.map((one) => one.case.id) };
}

/** A target that runs already and fails every case at once. */
function brokenTarget(t: Test): Promise<string> {
  return listen(t, (socket) => socket.end("nonsense"));
}

t.test("a case without a seal fails; sealed, it passes, until the seal says something else", async (t) => {
  const cases = writeCases(folderOf(t), [simple]);
  const unsealed = await run(cases);
  t.equal(unsealed.status, 1, unsealed.said);
  t.equal((await run(cases, { update: true })).status, 0);
  const passed = await run(cases, { repeat: "3", seed: "5" });
  t.equal(passed.status, 0, passed.said);
  const seal = join(cases, "test/simple/sealed.json");
  writeFileSync(seal, readFileSync(seal, "utf8").replace("video/mp2t", "video/mp4"));
  const failed = await run(cases);
  t.equal(failed.status, 1);
  t.match(failed.said, "before     HTTP/1.1 200 OK");
  t.match(failed.said, "sealed     Content-Type: video/mp4");
  t.match(failed.said, "reference  Content-Type: video/mp2t");
});

t.test("sealing is refused in CI, and writes nothing that an oracle refuses", async (t) => {
  const cases = writeCases(folderOf(t), [simple]);
  await t.rejects(run(cases, { update: true }, { CI: "true" }), /refused in CI/);
  const refusing: Oracle = {
    name: "refusing",
    says: "Nothing is right.",
    check: () => [{ by: "refusing", at: "cold", message: "no" }],
  };
  const result = await runAll({
    cases: findCases(null, cases),
    targets: [launchedTarget("reference", [referenceLauncher(serverFolder)])],
    known: {},
    oracles: [refusing],
    mapping: null,
    originPlace: null,
    jobs: 1,
    repeat: 1,
    seed: 0,
    update: true,
    failFast: false,
    onResult: () => undefined,
  });
  t.equal(exitCodeOf(result), 1);
  t.match(result.results, [{ verdict: "failed", findings: [{ by: "refusing" }] }]);
  t.same(readdirSync(join(cases, "test/simple")), ["case.json"]);
});

t.test("an oracle that a case exempts is not asked", async (t) => {
  const asked: string[] = [];
  const check: Oracle["check"] = (context) => {
    asked.push(context.case.id);
    return [];
  };
  const oracle: Oracle = { name: "slots", says: "Asked or not.", check };
  const exempt = { ...simple, id: "test/exempt", exempt: [{ oracle: "slots", reason: "for this test" }] };
  const cases = writeCases(folderOf(t), [simple, exempt]);
  await runAll({
    cases: findCases(null, cases),
    targets: [launchedTarget("reference", [referenceLauncher(serverFolder)])],
    known: {},
    oracles: [oracle],
    mapping: null,
    originPlace: null,
    jobs: 1,
    repeat: 1,
    seed: 0,
    update: false,
    failFast: false,
    onResult: () => undefined,
  });
  t.same(asked, ["test/simple"]);
});

t.test("a known failure is allowed with its reason; when it passes, the run fails", async (t) => {
  const cases = writeCases(folderOf(t), [simple]);
  await run(cases, { update: true });
  const known = folderOf(t);
  writeFileSync(join(known, "reference.json"), JSON.stringify({ "test/simple": "it never did" }));
  const passing = await run(cases, { known });
  t.equal(passing.status, 1);
  t.match(passing.said, "passed though known to fail");
  const seal = join(cases, "test/simple/sealed.json");
  writeFileSync(seal, readFileSync(seal, "utf8").replace("video/mp2t", "video/mp4"));
  const failing = await run(cases, { known });
  t.equal(failing.status, 0);
  t.match(failing.said, "it never did");
});

t.test("a list of known failures needs reasons", async (t) => {
  const folder = folderOf(t);
  writeFileSync(join(folder, "x.json"), JSON.stringify({ "a/b": "" }));
  t.throws(() => knownFailures(["x"], folder), /a\/b has no reason/);
  t.same(knownFailures(["y"], folder), { y: {} });
});

t.test("a command is a target, and every target is held against the first", async (t) => {
  const cases = writeCases(folderOf(t), [simple]);
  await run(cases, { update: true });
  const both = await run(cases, { target: ["reference", `plain=cmd:${plainProxy}`] });
  t.equal(both.status, 1);
  t.match(both.said, /reference.*: 1 passed/);
  t.match(both.said, /plain.*: 1 failed/);
  t.match(both.findings, /plain equal: head, line 2 [^X]*Content-Type: video\/mp2t\n {2}plain {6}X-Proxy: plain/);
  const alone = await run(cases, { target: [`plain=cmd:${plainProxy}`] });
  t.match(alone.findings, /plain seal: head, line 2 [^X]*Content-Type: video\/mp2t\n {2}plain {3}X-Proxy: plain/);
});

t.test("the reference server's own command is a target that takes options", async (t) => {
  const restarted: Case = {
    ...simple,
    id: "test/restarted",
    options: { cors: false, limits: { slotsMax: 2 }, requestFields: ["X-A", "it's"] },
    steps: [
      get,
      { do: "restart" },
      { ...get, request: "warm" },
      { do: "restart", kill: true },
      { ...get, request: "third" },
    ],
  };
  const cases = writeCases(folderOf(t), [restarted]);
  const sealing = await run(cases, { update: true });
  t.equal(sealing.status, 0, sealing.said);
  const command = `main=cmd:'${process.execPath}' '${join(serverFolder, "main.ts")}' {args} http://127.0.0.1/x.m3u8`;
  const both = await run(cases, { target: ["reference", command] });
  t.equal(both.status, 0, both.said);
});

t.test("what a target cannot do fails the case that needs it, and no other", async (t) => {
  const clearing: Case = { ...simple, id: "test/clearing", steps: [get, { do: "clear" }] };
  const cases = writeCases(folderOf(t), [clearing]);
  const { findings, status } = await run(cases, { target: [`plain=cmd:${plainProxy}`] });
  t.equal(status, 1);
  t.match(findings, "cannot be emptied while it runs");
  const able = await run(cases, { target: [`plain=cmd:${plainProxy} control`] });
  t.notMatch(able.findings, "plain run:");
});

t.test("a target that runs already is asked where it is, and cannot be given options", async (t) => {
  const running = launchedTarget("plain", [commandLauncher(plainProxy)]);
  t.teardown(() => running.end());
  const { url } = await running.start({});
  const cases = writeCases(folderOf(t), [simple, { ...simple, id: "test/options", options: { cors: false } }]);
  await run(cases, { update: true });
  const { findings } = await run(cases, { target: [`phone=${url}`] });
  t.match(findings, "phone   X-Proxy: plain");
  t.match(findings, "phone run: the target cannot be given options: cors");
});

t.test("a target that cannot be started ends the run", async (t) => {
  const cases = writeCases(folderOf(t), [simple]);
  await t.rejects(run(cases, { target: ["x=cmd:echo sorry >&2; false"] }), /ended: sorry/);
  await t.rejects(run(cases, { server: folderOf(t) }), /process ended/);
});

t.test("an option that the server refuses fails the case, and no other", async (t) => {
  const cases = writeCases(folderOf(t), [simple, { ...simple, id: "test/refused", options: { form: "tree" } }]);
  await run(cases, { only: "test/simple", update: true });
  const { findings, said } = await run(cases);
  t.match(findings, /^reference run: the target refuses: .*form/);
  t.match(said, "1 failed, 1 passed");
});

t.test("an exemption from an oracle that is none is refused", async (t) => {
  const cases = writeCases(folderOf(t), [{ ...simple, exempt: [{ oracle: "slot", reason: "for this test" }] }]);
  await t.rejects(run(cases), /test\/simple: there is no oracle slot/);
});

t.test("wrong calls say what is right", async (t) => {
  const cases = writeCases(folderOf(t), [simple]);
  for (const [options, message] of [
    [{ shard: "2/1" }, /--shard 2\/1/],
    [{ shard: "x" }, /--shard x/],
    [{ repeat: "0" }, /--repeat 0/],
    [{ jobs: "many" }, /--jobs many/],
    [{ seed: "-1" }, /--seed -1/],
    [{ only: "nothing/*" }, /no case matches nothing/],
    [{ target: ["ftp://x"] }, /--target ftp/],
    [{ target: ["reference>other"] }, /hands port and cache over/],
    [{ target: ["reference", "reference"] }, /one name/],
  ] as const) {
    await t.rejects(run(cases, options as Partial<RunOptions>), message);
  }
});

t.test("a cache is handed from one proxy to the next at each restart", async (t) => {
  const launched: string[] = [];
  const named = (name: string, launcher: Launcher): Launcher => ({
    launch: async (options) => {
      launched.push(`${name} ${options.port === 0 ? "any port" : "its port"} ${options.cacheDir}`);
      return await launcher.launch(options);
    },
    end: () => launcher.end(),
  });
  const reference = referenceLauncher(serverFolder);
  const target = launchedTarget("handed", [named("a", reference), named("b", reference)]);
  t.teardown(() => target.end());
  const running = await target.start({});
  for (const kill of [false, true]) await running.restart(kill);
  t.equal((await fetch(`${running.url}/health`)).status, 200);
  await running.stop();
  const folder = launched[0]?.split(" ").at(-1);
  t.same(launched, [`a any port ${folder}`, `b its port ${folder}`, `a its port ${folder}`]);
});

t.test("cases are chosen by the steps that they have", async (t) => {
  const restart: Step = { do: "restart", kill: false };
  const cases = writeCases(folderOf(t), [simple, { ...simple, id: "test/restarting", steps: [get, restart] }]);
  await run(cases, { update: true });
  t.same((await run(cases, { step: "restart", target: ["reference>reference"] })).played, ["test/restarting"]);
  await t.rejects(run(cases, { step: "clear" }), /has a step clear/);
});

t.test("shards share the cases out, and none is left", async (t) => {
  const cases = writeCases(
    folderOf(t),
    ["a", "b", "c", "d", "e"].map((name) => ({ ...simple, id: `test/${name}` })),
  );
  const target = [await brokenTarget(t)];
  const shares = [await run(cases, { shard: "1/2", target }), await run(cases, { shard: "2/2", target })];
  t.same(
    shares.map(({ played }) => played),
    [
      ["test/a", "test/c", "test/e"],
      ["test/b", "test/d"],
    ],
  );
});

t.test("a seed shuffles the cases, the same way each time; results keep their order", async (t) => {
  const names = ["a", "b", "c", "d", "e"];
  const cases = writeCases(
    folderOf(t),
    names.map((name) => ({ ...simple, id: `test/${name}` })),
  );
  const target = [await brokenTarget(t)];
  const orders: string[] = [];
  for (const seed of ["0", "3", "3"]) {
    const { said, played } = await run(cases, { seed, target, jobs: "1" });
    t.same(
      played,
      names.map((name) => `test/${name}`),
    );
    orders.push([...(said.split("\n\n")[0]?.matchAll(/failed test\/(\w)/g) ?? [])].map((match) => match[1]).join(""));
  }
  t.equal(orders[0], "abcde");
  t.not(orders[1], "abcde");
  t.equal(orders[1], orders[2]);
});

t.test("after the first failure nothing more is begun when asked so", async (t) => {
  const cases = writeCases(
    folderOf(t),
    ["a", "b", "c", "d"].map((name) => ({ ...simple, id: `test/${name}` })),
  );
  const { played } = await run(cases, { failFast: true, jobs: "1", target: [await brokenTarget(t)] });
  t.same(played, ["test/a"]);
});

t.test("a file that is no case is refused by name, with what is wrong", async (t) => {
  const refused: [object, RegExp][] = [
    [{ ...simple, id: "test/other" }, /test\/simple\/case\.json: its id is test\/other/],
    [{ ...simple, steps: [{ do: "dance" }] }, /\/steps\/0/],
    [{ ...simple, steps: [{ ...get, extra: 1 }] }, /\/steps\/0 must NOT have additional properties/],
    [{ ...simple, steps: [] }, /\/steps/],
    [{ ...simple, rules: ["RANGE"] }, /\/rules\/0/],
    [{ ...simple, origin: { resources: { "a.ts": textResource("x") } } }, /property name/],
    [{ ...simple, exempt: [{ oracle: "slots", reason: "" }] }, /\/exempt\/0\/reason/],
  ];
  for (const [data, message] of refused) {
    const folder = folderOf(t);
    mkdirSync(join(folder, "test/simple"), { recursive: true });
    writeFileSync(join(folder, "test/simple/case.json"), JSON.stringify(data));
    t.throws(() => findCases(null, folder), message);
  }
});

t.test("globs choose cases, several by commas and braces", async (t) => {
  const cases = writeCases(
    folderOf(t),
    ["a/x", "a/y", "b/x", "c/z"].map((id) => ({ ...simple, id })),
  );
  const ids = (only: string | null): string[] => findCases(only, cases).map((found) => found.case.id);
  t.same(ids(null), ["a/x", "a/y", "b/x", "c/z"]);
  t.same(ids("a/*"), ["a/x", "a/y"]);
  t.same(ids("{a,b}/x"), ["a/x", "b/x"]);
  t.same(ids("*/z,a/y"), ["a/y", "c/z"]);
});

t.test("an upstream URL is written as each target wants it", async (t) => {
  const url = "http://127.0.0.1:1/a b?c=%2F&d=\u00e4";
  t.equal(mappingOf(null, "")(url, "query"), "/proxy?url=http%3A%2F%2F127.0.0.1%3A1%2Fa%20b%3Fc%3D%252F%26d%3D%E4");
  t.equal(mappingOf(null, "/~s")(url, "path"), "/~s/http/127.0.0.1:1/a b?c=%2F&d=\u00e4");
  t.equal(mappingOf("query", "")("http://h/", "path"), "/proxy?url=http%3A%2F%2Fh%2F");
  t.equal(mappingOf("path", "")("http://h", "query"), "/http/h/");
  t.equal(
    mappingOf("/get/{scheme}/{authority}{rest}?u={url%}", "")("http://h/p", "query"),
    "/get/http/h/p?u=http%3A%2F%2Fh%2Fp",
  );
});

t.test("a server that was killed is not the next case's", async (t) => {
  const cases = writeCases(folderOf(t), [
    { ...simple, id: "test/a", steps: [get, { do: "restart", kill: true }, { ...get, request: "warm" }] },
    { ...simple, id: "test/b" },
  ]);
  await run(cases, { update: true, jobs: "1" });
  const again = await run(cases, { jobs: "1", repeat: "2" });
  t.equal(again.status, 0, again.said);
});
