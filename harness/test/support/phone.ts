/** A phone that is played by the Swift twin's command on this machine: the same control protocol, no phone. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { buildBridge } from "../../sut/bridge.ts";

type Test = { teardown(fn: () => unknown): unknown };

/** Whether the Swift twin is left out, explicitly (`npm test -- --no-swift`). */
export const withoutSwift = process.env.REELCACHE_NO_SWIFT === "1";

/**
 * Builds the command, unless REELCACHE_SUT names a built one, and starts it; the port on which it can be driven. It ends at
 * teardown.
 */
export async function startPhone(t: Test, args: string[] = []): Promise<number> {
  const child = spawn(process.env.REELCACHE_SUT || (await buildBridge()), ["--control-port", "0", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
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
