import { readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { importsOf, readSource } from "../../scripts/source-text.ts";
import { errorTable } from "../core/base/errors.ts";
import { defaultOptions, optionTable } from "../options.ts";
import { runScript } from "./support/checkout.ts";
import { type Ended, rootDir } from "./support/command.ts";

/** What tidy says about one file, with the file's name taken off. */
async function tidyFaults(t: Test, path: string, source: string, more: Record<string, string> = {}): Promise<string[]> {
  const { out } = await runScript(t, "tidy.ts", { [path]: source, ...more });
  return out
    .split("\n")
    .filter((line) => line.startsWith(path))
    .map((line) => line.slice(path.length));
}

t.test("comments, texts and regular expressions are told from code", async (t) => {
  const source = [
    'a("Date // no"); // Date',
    "const r = b / c / d;",
    `/* new Date */ const s = \`x \${y(\`\${z}\`)} Date\`;`,
    'f(/[/"]/);',
  ].join("\n");
  const { code, comments, regexLines } = readSource(source);
  t.equal(code.length, source.length);
  t.notMatch(code, /Date/);
  t.match(code, /b \/ c \/ d/);
  t.match(code, /y\(`.*z.*`\)/);
  t.match(comments, /\/\/ Date\n/);
  t.match(comments, /new Date/);
  t.same(regexLines, [4]);
});

t.test("imports are found over several lines, with their types", async (t) => {
  const source =
    'import {\n  a,\n} from "./a.ts";\nimport type { B } from "../b.ts";\nexport { c } from "./c.ts";\nimport "./d.ts";\n';
  t.same(
    importsOf(source).map(({ specifier }) => specifier),
    ["./a.ts", "../b.ts", "./c.ts", "./d.ts"],
  );
});

t.test("tidy: the core may not reach out of the core", async (t) => {
  const path = "server/core/http/a.ts";
  const user = { "server/index.ts": 'import "./core/http/a.ts";\n' };
  const clean = 'import { b } from "../base/b.ts";\n// Date.now() and process\nexport const a = b("Date.now()");\n';
  t.same(await tidyFaults(t, path, clean, user), []);
  const bad = [
    "Date.now();",
    "const d: Date = x;",
    "Math.random();",
    "process.exit();",
    "setTimeout(f, 1);",
    "new Promise(f);",
    "async function f() {}",
    "await f();",
    'Buffer.from("");',
    "x = /a/;",
    'new RegExp("a");',
    "Number(x);",
    "x.trim();",
    "class A {}",
    'import "node:fs";',
    'import "fastify";',
    'import "../../edge/e.ts";',
    'import "../cache/later.ts";',
  ];
  const faults = await tidyFaults(t, path, `${bad.join("\n")}\n`, user);
  for (const [index, line] of bad.entries()) {
    t.equal(faults.filter((fault) => fault.startsWith(`:${index + 1} `)).length, 1, line);
  }
  t.equal(faults.length, bad.length);
});

t.test("tidy: sizes, names, dead files, the top folder, tests and catches", async (t) => {
  const long = `export function f() {\n${"  g();\n".repeat(49)}}\n`;
  const edge = ["long", "end", "past", "catch"].map((name) => `import "./edge/${name}.ts";\n`).join("");
  const { out, code } = await runScript(t, "tidy.ts", {
    "server/index.ts": `import "./core/base/a.ts";\nimport "./core/http/a.ts";\n${edge}`,
    "server/core/base/a.ts": long,
    "server/core/http/a.ts": long.replace("  g();\n", ""),
    "server/edge/long.ts": long,
    "server/edge/end.ts": "g();\n".repeat(400),
    "server/edge/past.ts": "g();\n".repeat(401),
    "server/edge/dead.ts": "",
    "server/edge/catch.ts": "try { f(); } catch {}\ntry { f(); } catch (e) {\n  // nothing\n}\np.catch(() => {});\n",
    "server/test/a.test.ts": 'import "../edge/dead.ts";\nt.skip();\nt.test.only ();\nf("a", { todo: true });\n',
    "junk.txt": "",
  });
  t.equal(code, 1);
  t.match(out, /, 11 faults\n$/);
  t.same(
    out
      .split("\n")
      .filter((line) => line !== "" && !line.endsWith(" faults"))
      .sort(),
    [
      "junk.txt stands in the top folder, which is a closed list",
      "server/core/base/a.ts:1 f has 51 lines; 50 is the end",
      "server/core/http/a.ts has the name of server/core/base/a.ts",
      "server/edge/catch.ts:1 catch {}: an empty catch hides a failure",
      "server/edge/catch.ts:2 catch (e) { }: an empty catch hides a failure",
      "server/edge/catch.ts:5 .catch(() => {}): an empty catch hides a failure",
      "server/edge/dead.ts is imported by nobody",
      "server/edge/past.ts:401 has 401 lines; 400 is the end",
      "server/test/a.test.ts:2 .skip(: a test that is left out proves nothing",
      "server/test/a.test.ts:3 .only (: a test that is left out proves nothing",
      "server/test/a.test.ts:4 { todo:: a test that is left out proves nothing",
    ],
  );
});

t.test("trace: a rule needs its sentence, its comment and its proof", async (t) => {
  // Put together, so that this file names no rule of its own.
  const [one, two] = ["R-SAMPLE".concat("-1"), "R-SAMPLE".concat("-2")];
  const spec = `- **${one}** A sentence. (RFC 1)\n`;
  const good = {
    "server/SPEC.md": spec,
    "server/core/base/a.ts": `// ${one}\n`,
    "ios-bridge/Sources/Core/A.swift": `let a = "// no" // ${one}\n`,
    "fixtures/vectors/a.json": `{"rule":"${one}"}`,
  };
  const run = async (files: Record<string, string>): Promise<string> => (await runScript(t, "trace.ts", files)).out;
  t.equal(await run(good), "1 rules, 0 faults\n");
  t.match(await run({ ...good, "server/SPEC.md": "" }), /SPEC\.md is missing/);
  t.match(await run({ ...good, "server/SPEC.md": spec + spec }), /defines R-SAMPLE.1 again/);
  t.match(await run({ ...good, "server/core/base/a.ts": `f("${one}");\n` }), /stands in no comment of the code/);
  t.match(
    await run({ ...good, "ios-bridge/Sources/Core/A.swift": `let a = "// ${one}"\n` }),
    /stands in no comment of the Swift twin/,
  );
  t.match(await run({ ...good, "fixtures/vectors/a.json": "{}" }), /stands in no vector/);
  t.match(await run({ ...good, "server/edge/b.ts": `// ${two}\n` }), /server\/edge\/b\.ts:1 R-SAMPLE.2 is not defined/);
});

t.test("parity: names, order, parameters, fields, cases, rules and values of the twins are compared", async (t) => {
  const folder = "server/core/base";
  const twin = "ios-bridge/Sources/ReelcacheCore/base";
  const shared = Object.fromEntries(
    [`${folder}/errors.ts`, `${folder}/limits.ts`, `${twin}/Errors.swift`, `${twin}/Limits.swift`].map((path) => [
      path,
      readFileSync(join(rootDir, path), "utf8"),
    ]),
  );
  const reference =
    'export type Kind = "a-b" | "c";\nexport type Row = { first: number; second: string };\n' +
    'export type Step =\n  | { kind: "go"; to: number; by: Row }\n  | { kind: "stop" };\n' +
    "// R-X-1\nexport function one(a: number, b: Row): Kind {\n  return f(a, b);\n}\n" +
    "export function two(): void {}\nexport const three = 3;\n";
  const swift =
    'package enum Kind: String {\n  case aB = "a-b"\n  case c\n}\npackage struct Row {\n  package let first: Int\n' +
    "  package var second: ByteString\n}\npackage enum Step {\n  /// case no\n  case go(to: Int, by: Row)\n  case stop\n}\n" +
    "/* R-X-1 */ \npackage func one(_ a: Int, _ b: Row) -> Kind {\n  f(a, b)\n}\n" +
    "package func two() {}\npackage let three = 3\n";
  const run = async (change: (text: string) => string): Promise<string> => {
    const files = { ...shared, [`${folder}/some-thing.ts`]: reference, [`${twin}/SomeThing.swift`]: change(swift) };
    return (await runScript(t, "parity.ts", files)).out;
  };
  t.equal(await run((text) => text), "3 pairs, 0 differences\n");
  const faults: [string, string, RegExp][] = [
    ["case aB", "case ab", /Kind cases: missing aB=a-b/],
    ["_ b: Row)", "_ c: Row)", /one parameters: missing b/],
    ["package let first: Int\n", "", /Row fields: missing first/],
    ["case go(to: Int, by: Row)", "case go(by: Row, to: Int)", /Step cases/],
    ["/* R-X-1 */", "/* R-X-2 */", /rules: missing R-X-1/],
    ["package func two", "func two", /lacks two/],
    ["package let three = 3\n", "package let three = 3\npackage let four = 4\n", /four is exported, but not/],
    ["package func two() {}\npackage let three = 3", "package let three = 3\npackage func two() {}", /has three where/],
  ];
  for (const [from, to, message] of faults) t.match(await run((text) => text.replace(from, to)), message);
  const limits = shared[`${twin}/Limits.swift`] ?? "";
  const errors = shared[`${twin}/Errors.swift`] ?? "";
  const wrongValue = limits.replace("slotsMax = 32", "slotsMax = 33");
  const wrongStatus = errors.replace("status: 421", "status: 400");
  const values = { ...shared, [`${twin}/Limits.swift`]: wrongValue, [`${twin}/Errors.swift`]: wrongStatus };
  const { out } = await runScript(t, "parity.ts", values);
  t.match(out, /missing slotsMax=32/);
  t.match(out, /the row of wrong-host differs/);
});

t.test("setup: a failing npm is explained, and nothing goes on", async (t) => {
  if (process.platform === "win32") {
    return;
  }
  const lock = '{"packages":{"":{},"node_modules/a":{"version":"1.0.0"}}}';
  const npm = '#!/bin/sh\necho "npm error code EAI_AGAIN" >&2\nexit 1\n';
  const path = `${join(t.testdirName, "bin")}:${process.env.PATH ?? ""}`;
  const offline = await runScript(t, "setup.mjs", { "package-lock.json": lock, "bin/npm": npm }, { PATH: path });
  t.equal(offline.code, 1);
  t.match(offline.error, /`npm ci .*` failed\. The package registry cannot be reached/);
});

t.test("setup: nothing is said and no npm is run when the installation matches the lock file", async (t) => {
  const entry = (version: string): string => `{"packages":{"":{},"node_modules/a":{"version":"${version}"}}}`;
  const optional = '{"packages":{"":{},"node_modules/b":{"version":"1.0.0","optional":true}}}';
  const installed = "node_modules/.package-lock.json";
  const environment = { PATH: "/nonexistent" };
  const run = async (lock: string, present: string): Promise<Ended> =>
    await runScript(t, "setup.mjs", { "package-lock.json": lock, [installed]: present }, environment);
  t.match(await run(entry("1.0.0"), entry("1.0.0")), { code: 0, out: "", error: "" });
  t.match(await run(optional, entry("1.0.0")), { code: 0, error: "" }, "an optional package may be absent");
  t.match(await run(entry("1.0.1"), entry("1.0.0")), { code: 1, error: /npm cannot be run/ });
});

t.test("the README lists every option with its variable, and every error", async (t) => {
  const readme = readFileSync(join(rootDir, "README.md"), "utf8");
  for (const row of optionTable) {
    const flag = defaultOptions[row.name] === true ? `--no-${row.flag}` : `--${row.flag}`;
    t.ok(
      readme.split("\n").some((line) => line.includes(`\`${flag}`) && line.includes(`\`${row.environment}\``)),
      flag,
    );
  }
  for (const [code, { status, title }] of Object.entries(errorTable)) {
    t.ok(readme.includes(`| ${status} | \`${code}\` | ${title} |`), code);
  }
});
