import { join } from "node:path";
import t, { type Test } from "tap";
import { splitTexts } from "../../scripts/swift-text.ts";
import { runScript } from "./support/checkout.ts";

const platforms = "platforms: [.iOS(.v15), .macOS(.v12)]";
const edge = "ios-bridge/Sources/ReelcacheEdge/A.swift";

/** What the check says about one file of the edge, a fault an element: line and words. */
async function faultsOf(t: Test, source: string, more: Record<string, string> = {}): Promise<string[]> {
  const files = { "ios-bridge/Package.swift": platforms, [edge]: source, ...more };
  const { out, code } = await runScript(t, "availability.ts", files);
  const faults = out.split("\n").filter((line) => line.startsWith("ios-bridge/"));
  t.equal(code, faults.length > 0 ? 1 : 0);
  return faults.map((line) => line.replace(edge, ""));
}

t.test("texts are told from code, and what a text puts in is code", async (t) => {
  const source = 'let a = "x \\(Date()) y"; b = "\\""\nlet c = """\n  Date \\(d)\n"""\n';
  const { code, texts } = splitTexts(source);
  t.equal(code.length, source.length);
  t.equal(texts.length, source.length);
  t.match(code, /^let a = {6}Date\(\) {4}; b = {5}\nlet c = {4}\n {9}d \n {3}\n$/);
  t.match(texts, /"x \\\( {6}\) y".*"\\""/);
  t.match(texts, /"""\n {2}Date \\\( \)\n"""/);
});

t.test("availability: each API that iOS 15 lacks is named with its line", async (t) => {
  const clean = [
    "// Mutex, Duration and if #available",
    'let a = "Mutex \\(b) sqlite3_changes64 Duration.seconds(1)"',
    "f(duration: 1, mutex: c).clock",
    "let folder = FileManager.default.temporaryDirectory",
    'let rows = "SELECT id FROM rows WHERE strict = 1"',
    "let share = a / b / c",
    'let parts = text.split(separator: ",")',
    "try await Task.sleep(nanoseconds: 1)",
    "enum Grid {}; let mine = Grid.self",
    "func sum<T: Sequence>(_ values: T) -> any Sequence { values }",
  ];
  t.same(await faultsOf(t, `${clean.join("\n")}\n`), []);
  const newer = [
    "import Synchronization",
    "let a = Mutex(0)",
    "let a = Atomic<Int>(0)",
    "let a = ContinuousClock.now",
    "let a: Duration = b",
    "try await Task.sleep(for: b)",
    "try await Task<Never, Never>.sleep(until: b)",
    "let a = Regex(b)",
    "let a = b.wholeMatch(of: c)",
    "let a = /b+c/",
    "let a = #/b/#",
    'let a = b.split(separator: "::")',
    'let a = URL(filePath: "/")',
    'let a = b.appending(path: "c")',
    'b.append(component: "c")',
    "let a = URL.cachesDirectory",
    "let a = b.path(percentEncoded: false)",
    "let a: any Collection<Int> = b",
    "@Observable final class A {}",
    "await withDiscardingTaskGroup { _ in }",
    "let a = DispatchSerialQueue(label: b)",
    "struct A<each B> {}",
    "for await a in NWPathMonitor() {}",
    "let a = String(validating: b, as: UTF8.self)",
    "let a = OSAllocatedUnfairLock()",
    "struct A: ~Copyable {}",
    "let a: Int128 = 0",
    "let a = sqlite3_changes64(b)",
    "let a = sqlite3_enable_load_extension(b, 1)",
    'let a = "CREATE TABLE b (c INTEGER) STRICT"',
    'let a = "SELECT unixepoch()"',
    'let a = "b \\(ContinuousClock.now)"',
    "if #available(iOS 16, *) {}",
    "@available(macOS 13, *) func a() {}",
  ];
  const faults = await faultsOf(t, `${newer.join("\n")}\n`);
  for (const [index, line] of newer.entries()) {
    t.ok(
      faults.some((fault) => fault.startsWith(`:${index + 1} `)),
      line,
    );
  }
});

t.test("availability: the list of modules is closed, and Foundation is only where nothing smaller is", async (t) => {
  const fallback =
    "#if canImport(FoundationEssentials)\n  import FoundationEssentials\n#else\n  import Foundation\n#endif\n";
  t.same(await faultsOf(t, `import Dispatch\npackage import ReelcacheCore\n${fallback}`), []);
  t.same(await faultsOf(t, "#if os(iOS)\n  import Foundation\n  import UIKit\n#endif\n"), []);
  t.match(await faultsOf(t, "import Foundation\n"), [/^:1 imports Foundation where/]);
  t.match(await faultsOf(t, `${fallback}import Foundation\n`), [/^:6 imports Foundation where/]);
  t.match(await faultsOf(t, "import Alamofire\n@testable import NIO\nimport struct Logging.Logger\n"), [
    /^:1 imports Alamofire/,
    /^:2 imports NIO/,
    /^:3 imports Logging/,
  ]);
  const core = "ios-bridge/Sources/ReelcacheCore/base/B.swift";
  t.match(await faultsOf(t, "", { [core]: "import Dispatch\n" }), [/B\.swift:1 imports Dispatch/]);
});

t.test(
  "availability: the package names the oldest systems, takes no package of others and no unsafe flags",
  async (t) => {
    const path = "ios-bridge/Package.swift";
    t.match(await faultsOf(t, "", { [path]: platforms.replace("v15", "v16") }), [/does not say \.iOS\(\.v15\)/]);
    t.match(await faultsOf(t, "", { [path]: `${platforms}\n.package(url: "https://example.com/a", from: "1.0.0")` }), [
      /Package\.swift:2 \.package\(: a package of others/,
    ]);
    t.match(await faultsOf(t, "", { [path]: `${platforms}\nswiftSettings: [.unsafeFlags(["-O"])]` }), [/unsafeFlags/]);
  },
);

t.test("coverage: figures by folder, and a fault where the core is below its floor or has none", async (t) => {
  const run = async (covered: number, lines: number): Promise<{ out: string; code: number | null }> => {
    // Paths in the report are whole, and the checkout's is known only here.
    const bridge = join(t.testdirName, "ios-bridge");
    const file = (path: string, count: number, ran: number): object => ({
      filename: join(bridge, path),
      summary: { lines: { count, covered: ran } },
    });
    const files = [
      file("Sources/ReelcacheCore/http/A.swift", lines, covered),
      file("Sources/ReelcacheCore/base/B.swift", 100, 100),
      file("Sources/ReelcacheEdge/C.swift", 100, 70),
      file("Tests/D.swift", 10, 0),
    ];
    const path = "ios-bridge/.build/debug/codecov/Reelcache.json";
    return await runScript(t, "swift-coverage.ts", { [path]: JSON.stringify({ data: [{ files }] }) });
  };
  const good = await run(900, 900);
  t.equal(good.code, 0);
  t.match(
    good.out,
    /^Sources\/ReelcacheCore +100\.0 % of +1000 lines\nSources\/ReelcacheEdge +70\.0 % of +100 lines\n/,
  );
  t.match(good.out, /Sources\/ReelcacheEdge\/C\.swift: 30 lines of 100 never run/);
  t.notMatch(good.out, /Tests/);
  const low = await run(880, 900);
  t.equal(low.code, 1);
  t.match(low.out, /tests run 98\.0 % of the lines of Sources\/ReelcacheCore; it was at least 99 %/);
  const none = await runScript(t, "swift-coverage.ts", {});
  t.equal(none.code, 1);
  t.match(none.out, /there are no figures for Sources\/ReelcacheCore/);
});
