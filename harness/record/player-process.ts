/** A player as a child process: what it wrote, and no process left behind. */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";

/** Longest that a player may take, in milliseconds: the films are of ten seconds. */
const patienceMs = 60_000;

/**
 * Runs a program to its end and gives what it wrote. Rejects when it fails; `leave` ends it, which is no failure. It gets
 * a group of its own, since some players are scripts whose children would stay.
 */
export function runPlayer(file: string, args: string[], leave?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      // WebKitGTK leaves HLS to its pages unless it is told to play it itself.
      env: { ...process.env, HOME: tmpdir(), NO_COLOR: "1", WEBKIT_GST_ENABLE_HLS_SUPPORT: "1" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    let late = false;
    const collect = (text: string): void => {
      output += text;
    };
    child.stdout.setEncoding("utf8").on("data", collect);
    child.stderr.setEncoding("utf8").on("data", collect);
    const end = (): void => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, patienceMs);
    leave?.addEventListener("abort", end, { once: true });
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      if (code === 0 || (leave?.aborted === true && !late)) resolve(output);
      else reject(new Error(`${file} ended with ${late ? "nothing in time" : code}: ${output.trim().slice(-500)}`));
    });
  });
}
