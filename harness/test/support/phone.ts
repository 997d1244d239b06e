/** A phone that is played by the Swift twin's command on this machine: the same control protocol, no phone. */
import { spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

type Test = { teardown(fn: () => unknown): unknown };

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

/** Whether the Swift twin is left out, explicitly (`npm test -- --no-swift`). */
export const withoutSwift = process.env.REELCACHE_NO_SWIFT === "1";

/** Builds the command and starts it; the port on which it can be driven. Ends at teardown. */
export async function startPhone(t: Test, args: string[] = []): Promise<number> {
  const child = spawn(command(), ["--control-port", "0", ...args], { stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(async () => {
    if (child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
  });
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`the played phone ended with status ${code}`)));
    child.once("error", reject);
  });
  const { controlling } = JSON.parse(line) as { controlling: string };
  return Number(controlling.split(":")[1]);
}

/** The command, built from this checkout unless REELCACHE_SUT names one that is. */
function command(): string {
  const given = process.env.REELCACHE_SUT ?? "";
  if (given !== "") return given;
  const args = [join(root, "scripts/swift.mjs"), "build", "-c", "release", "--product", "reelcache-sut"];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`the Swift twin cannot be built: ${stderr.split("\n").slice(-10).join("\n")}`);
  return join(root, "ios-bridge/.build/release/reelcache-sut");
}
