import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import t from "tap";
import type { Stage } from "../bench/bench-types.ts";
import { cpuSecondsOf, startProcess } from "../bench/processes.ts";
import { addStack, type CallTree, emptyTree, type Frame, partsOf, topFrames } from "../profile/call-tree.ts";
import { flameGraph } from "../profile/flame-graph.ts";
import { capturePerf, missingPerf } from "../profile/perf.ts";
import { symbolsOf, treeOfPerfScript } from "../profile/perf-script.ts";
import { profileCommand } from "../profile/profile-command.ts";
import { profilePage, type Section, sectionMarkdown, sectionText } from "../profile/profile-text.ts";
import { treeOfCpuProfile, treeOfHeapProfile } from "../profile/v8-profile.ts";

const serve: Frame = { label: "serve server/edge/a.ts:1", kind: "edge", part: "server/edge/a.ts" };
const plan: Frame = { label: "plan server/core/b.ts:1", kind: "core", part: "server/core/b.ts" };
const write: Frame = { label: "write", kind: "native", part: "node" };
const index: Frame = { label: "flush server/edge/index-queue.ts:9", kind: "edge", part: "server/edge/index-queue.ts" };

t.test("a function's own weight is without what it calls; below itself it counts once", (t) => {
  const tree = emptyTree("all");
  addStack(tree, [serve, plan, serve], 3);
  addStack(tree, [serve], 1);
  addStack(tree, [write], 2);
  t.equal(tree.total, 6);
  t.same(topFrames(tree, 9), [
    { label: serve.label, self: 4, total: 4 },
    { label: write.label, self: 2, total: 2 },
    { label: plan.label, self: 0, total: 3 },
  ]);
  t.equal(topFrames(tree, 1).length, 1);
  t.end();
});

t.test("what runs in the runtime counts to the part that called it, and the parts make up the whole", (t) => {
  const tree = emptyTree("all");
  addStack(tree, [serve, write], 5);
  addStack(tree, [serve, plan, write, write], 2);
  addStack(tree, [write], 1);
  const parts = partsOf(tree);
  t.same(parts, [
    { label: serve.part, self: 5, total: 7 },
    { label: plan.part, self: 2, total: 2 },
    { label: "node", self: 1, total: 1 },
  ]);
  t.equal(
    parts.reduce((sum, row) => sum + row.self, 0),
    tree.total,
  );
  t.end();
});

t.test("a profile of V8 becomes stacks: idle time is none, functions without samples are left out", (t) => {
  const frame = (functionName: string, url: string, lineNumber = 0) => ({ functionName, url, lineNumber });
  const tree = treeOfCpuProfile(
    {
      nodes: [
        { id: 1, callFrame: frame("(root)", ""), children: [2, 3, 4] },
        { id: 2, callFrame: frame("(idle)", "") },
        { id: 3, callFrame: frame("", "file:///p/server/edge/a.ts", 6), children: [5, 6] },
        { id: 4, callFrame: frame("never", "node:net") },
        { id: 5, callFrame: frame("decide", "file:///p/server/core/b.ts") },
        { id: 6, callFrame: frame("execute", "file:///elsewhere/node_modules/@x/lib/c.js", 3) },
      ],
      samples: [2, 3, 5, 5, 6],
      timeDeltas: [1_000, 10, 20, 30, -5],
    },
    "/p",
  );
  t.equal(tree.total, 60);
  t.same([...tree.children.keys()], ["(anonymous) server/edge/a.ts:7"]);
  const [top] = [...tree.children.values()];
  t.equal(top?.self, 10);
  t.same(
    [...(top?.children.values() ?? [])].map(({ frame: { label, kind, part }, self }) => [label, kind, part, self]),
    [["decide server/core/b.ts:1", "core", "server/core/b.ts", 50]],
  );
  t.end();
});

t.test("allocations become stacks in the same way, libraries by name", (t) => {
  const node = (functionName: string, url: string, selfSize: number, children: object[] = []) => {
    return { callFrame: { functionName, url, lineNumber: 3 }, selfSize, children } as never;
  };
  const library = node("execute", "file:///q/node_modules/@x/lib/dist/c.js", 300);
  const runtime = node("push", "node:net", 40, [library]);
  const tree = treeOfHeapProfile({ head: node("(root)", "", 0, [runtime, node("(GC)", "", 2)]) }, "/p");
  t.equal(tree.total, 342);
  t.same(topFrames(tree, 9), [
    { label: "execute @x/lib/c.js:4", self: 300, total: 300 },
    { label: "push node:net", self: 40, total: 340 },
    { label: "(GC)", self: 2, total: 2 },
  ]);
  t.same(
    partsOf(tree).map((row) => row.label),
    ["@x/lib", "node", "(GC)"],
  );
  t.end();
});

const perfText = `reelcache-sut 12
\tffffffff81a copy_from_iter+0x12 ([kernel.kallsyms])
\t       7f01 $s7Network4send+0x3 (/x/reelcache-sut)
\t       7f02 $s13ReelcacheEdge6writeA+0x3 (/x/reelcache-sut)
\t       7f03 $s13ReelcacheCore4planB (/x/reelcache-sut)

reelcache-sut 13
\t       7f04 swift_retain (/usr/lib/libswiftCore.so)
\t       7f05 $sSD5valueC (/x/reelcache-sut)
\t       7f06 $s13ReelcacheEdge6writeA (/x/reelcache-sut)

`;

t.test("what perf prints becomes stacks, outermost first, with Swift's names and types", (t) => {
  t.same(symbolsOf(perfText), [
    "$s7Network4send",
    "$s13ReelcacheEdge6writeA",
    "$s13ReelcacheCore4planB",
    "$sSD5valueC",
  ]);
  const names = new Map([
    ["$s13ReelcacheEdge6writeA", "closure #1 in specialized SpanFiles.write(_:)"],
    ["$s13ReelcacheCore4planB", "planExchange(_:)"],
  ]);
  const tree = treeOfPerfScript(perfText, names);
  t.equal(tree.total, 2);
  t.same(stacksOf(tree), [
    "planExchange(_:) > closure #1 in SpanFiles.write(_:) > $s7Network4send > copy_from_iter",
    "closure #1 in SpanFiles.write(_:) > $sSD5valueC > swift_retain",
  ]);
  t.same(partsOf(tree), [
    { label: "SpanFiles", self: 1, total: 2 },
    { label: "stand-in of Network", self: 1, total: 1 },
    { label: "planExchange", self: 0, total: 1 },
  ]);
  t.end();
});

t.test(
  "a flame graph has a box for each stack that is wide enough, and nothing that could be taken for markup",
  (t) => {
    const tree = emptyTree("all");
    addStack(tree, [{ ...serve, label: "a<b" }, plan], 600);
    addStack(tree, [{ ...serve, label: "a<b" }], 599);
    addStack(tree, [write], 1);
    const picture = flameGraph(tree, "x & y", (weight) => `${weight} ms`);
    t.same(
      [
        ...picture.matchAll(
          /<title>([^<]*)<\/title><rect class="([a-z]+)" x="([0-9.]+)" y="[0-9]+" width="([0-9.]+)"/g,
        ),
      ].map(([, ...found]) => found),
      [
        ["all: 100.0 %, 1200 ms", "native", "0.0", "1200.0"],
        ["a&lt;b: 99.9 %, 1199 ms", "edge", "0.0", "1199.0"],
        ["plan server/core/b.ts:1: 50.0 %, 600 ms", "core", "0.0", "600.0"],
      ],
    );
    t.match(picture, 'aria-label="x &amp; y"');
    t.match(picture, ">a&lt;b</text>");
    t.end();
  },
);

t.test("tables tell shares, cost of a request, and what of it is the index", (t) => {
  const tree = emptyTree("all");
  addStack(tree, [serve, write], 75);
  addStack(tree, [index], 25);
  const section: Section = {
    id: "one",
    title: "one",
    capture: { tree, cost: { requests: 10, allSeconds: 1, mainSeconds: 1 }, raw: null },
    text: (weight) => `${weight} ms`,
    perRequest: (weight) => `${weight / 10} µs`,
  };
  const text = sectionText(section);
  t.match(text, /^one: 10 answers, 100 ms in all, 10 µs a request\n/);
  t.match(text, "The index: 2.5 µs a request, 25.0 % of it.");
  t.match(text, / 75\.0 +75\.0 +75 ms +7\.5 µs {2}server\/edge\/a\.ts\n/);
  t.match(text, / 75\.0 +75\.0 +75 ms +7\.5 µs {2}write\n/);
  t.match(sectionMarkdown(section, "p/one.svg"), "| `server/edge/index-queue.ts` | 25.0 | 25.0 | 25 ms | 2.5 µs |");
  t.match(profilePage("p", "m", [section]), /<td>server\/edge\/a\.ts<\/td><td>75\.0<\/td>/);
  t.end();
});

t.test("a short profile of the reference finds its own functions, and writes pictures, pages and tables", async (t) => {
  const out = t.testdir();
  const said: string[] = [];
  const markdown = join(mkdtempSync(join(tmpdir(), "reelcache-profile-test-")), "figures.md");
  t.teardown(() => rmSync(dirname(markdown), { recursive: true }));
  const options = { only: "hit-2k", target: "reference", seconds: 1, out, markdown };
  t.equal(await profileCommand(options, { write: (text: string) => said.push(text) }), 0);
  t.same(readdirSync(out).sort(), [
    "hit-2k-reference-allocations.heapprofile",
    "hit-2k-reference-allocations.svg",
    "hit-2k-reference.cpuprofile",
    "hit-2k-reference.html",
    "hit-2k-reference.svg",
  ]);
  const document = readFileSync(markdown, "utf8");
  t.match(document, /^<!-- figures: hit-2k-reference -->\n/);
  for (const [, picture] of document.matchAll(/^!\[[^\]]*\]\((figures\/[a-z0-9-]+\.svg)\)$/gm)) {
    t.match(readFileSync(`${dirname(markdown)}/${picture}`, "utf8"), /^<svg /);
  }
  const text = said.join("");
  t.match(text, /processor time of the main thread \([1-9][0-9]* of [1-9][0-9]* ms\): [1-9][0-9]* answers/);
  t.match(text, /hit-2k, reference: allocations: [1-9][0-9]* answers, [0-9.]+ MB in all/);
  for (const name of ["hit-2k-reference.svg", "hit-2k-reference-allocations.svg"]) {
    t.match(readFileSync(`${out}/${name}`, "utf8"), /<title>[^<]* server\/edge\/exchange-runner\.ts:[0-9]+: /, name);
  }
});

t.test("what cannot be profiled is told", async (t) => {
  const out = { write: () => undefined };
  const folder = t.testdir({ "half.md": "<!-- figures: hit-2k-reference -->" });
  const options = { only: "hit-2k", target: "reference", seconds: 0.4, out: folder };
  t.equal(await profileCommand({ ...options, markdown: `${folder}/half.md` }, out), 2);
  t.equal(await profileCommand({ ...options, only: "nothing" }, out), 2);
  t.equal(await profileCommand({ ...options, target: "nginx-static" }, out), 2);
  t.equal(await profileCommand({ ...options, target: "bridge", bridge: "/no/such/file" }, out), 3);
});

t.test("perf sees what a process does, where it is there and allowed", async (t) => {
  const why = missingPerf();
  if (why !== null) {
    t.match(why, /^perf is /);
    return;
  }
  const busy = startProcess(process.execPath, ["-e", "for (;;) Math.sqrt(Math.random())"]);
  t.teardown(busy.stop);
  const stage = { running: { pid: busy.pid } } as Stage;
  const seen = await capturePerf(stage, t.testdir(), async () => {
    // As much of its time as a hundred samples are, however busy the machine is.
    const enough = (cpuSecondsOf(busy.pid) ?? 0) + 0.1;
    while ((cpuSecondsOf(busy.pid) ?? 0) < enough) await new Promise((resolve) => setTimeout(resolve, 10));
    return 7;
  });
  t.equal(seen.cost.requests, 7);
  // Ticks of 10 ms, in seconds: the difference of two is not always the tenth that it means.
  t.ok(seen.cost.allSeconds > 0.095, `${seen.cost.allSeconds} s`);
  t.ok(seen.tree.total > 20, `${seen.tree.total} samples`);
});

/** Every stack with a weight of its own, its frames in words. */
function stacksOf(tree: CallTree, above: string[] = []): string[] {
  return [...tree.children.values()].flatMap((child) => {
    const words = [...above, child.frame.label];
    return [...(child.self > 0 ? [words.join(" > ")] : []), ...stacksOf(child, words)];
  });
}
