/** What comes of a swift that crashes by itself, which SwiftPM does now and then (scripts/swift.mjs). */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

// Plain JavaScript, since it is what brings Node and Swift here.
const script: string = new URL("../../scripts/swift.mjs", import.meta.url).href;
const { swiftEnded } = await import(script);

type Said = { status: number; runs: number; said: string[] };

/** Ends what `script` does in a shell, as a swift with these arguments. */
async function ended(args: string[], script: string): Promise<Said> {
  const said: string[] = [];
  let runs = 0;
  const start = () => {
    runs += 1;
    return spawn("sh", ["-c", script], { stdio: "ignore" });
  };
  const status = await swiftEnded(args, start, (text: string) => said.push(text));
  return { status, runs, said };
}

t.test("a build that crashes by itself is done once more, and that is told", async (t) => {
  const mark = join(t.testdir(), "crashed");
  const first = `[ -e '${mark}' ] || { : > '${mark}'; kill -SEGV $$; }`;
  const said = ["swift build crashed by itself (SIGSEGV); it is run once more"];
  t.same(await ended(["build", "-c", "release"], first), { status: 0, runs: 2, said });
  t.ok(existsSync(mark));
  t.same(await ended(["build"], "kill -SEGV $$"), { status: 1, runs: 2, said }, "twice is no accident");
});

t.test("a build that fails, tests that crash and what somebody ends are not run again", async (t) => {
  t.same(await ended(["build"], "exit 3"), { status: 3, runs: 1, said: [] });
  t.same(await ended(["build"], "kill -TERM $$"), { status: 1, runs: 1, said: [] });
  t.same(await ended(["test"], "kill -SEGV $$"), { status: 1, runs: 1, said: [] });
  t.same(await ended(["build"], "exit 0"), { status: 0, runs: 1, said: [] });
});
