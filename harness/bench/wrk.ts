/** wrk as the load client: its loop in C asks for small bodies faster than any contender answers. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadPlan, LoadResult } from "./load-plan.ts";
import { cpuSecondsOf, startProcess } from "./processes.ts";

/** How often wrk's own processor time is looked at, in milliseconds: it cannot be asked afterwards. */
const lookMs = 50;

let found: boolean | null = null;

export function haveWrk(): boolean {
  // It ends with 1 after printing its version.
  found ??= spawnSync("wrk", ["-v"]).error === undefined;
  return found;
}

/** Whether wrk can carry a plan out: it counts whole seconds, asks at once, and looks at no bytes. */
export function wrkCan(plan: LoadPlan): boolean {
  const plain = plan.until === "time" && plan.pacePerSecond === 0 && plan.readBytesPerSecond === 0;
  return plan.client === "wrk" && plain && plan.seconds >= 1 && haveWrk();
}

export async function runWrk(port: number, plan: LoadPlan, folder: string): Promise<LoadResult> {
  const script = join(folder, "wrk.lua");
  writeFileSync(script, scriptOf(plan));
  const seconds = Math.round(plan.seconds);
  const url = `http://127.0.0.1:${port}`;
  const began = performance.now();
  const args = ["-t1", `-c${plan.connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, url];
  const started = startProcess("wrk", args);
  let cpuSeconds = 0;
  let lookedAt = began;
  const look = setInterval(() => {
    const now = cpuSecondsOf(started.pid);
    if (now === null || now < cpuSeconds) return;
    cpuSeconds = now;
    lookedAt = performance.now();
  }, lookMs);
  await started.ended;
  clearInterval(look);
  const [, line = ""] = /^RESULT (.*)$/m.exec(started.said()) ?? [];
  if (line === "") throw new Error(`wrk ended without a result: ${started.said()}`);
  const told: Record<string, number> = JSON.parse(line);
  const took = (told.microseconds ?? 0) / 1_000_000;
  const faults = Object.entries(told).filter(([name, count]) => name.startsWith("fault-") && count > 0);
  return {
    requests: told.requests ?? 0,
    bytes: told.bytes ?? 0,
    seconds: took,
    firstByteMs: [],
    // The percentiles stand for all of them: every hundredth of the distribution once.
    totalMs: Array.from({ length: 100 }, (_, at) => (told[`p${at + 1}`] ?? 0) / 1_000),
    clientCpuSeconds: lookedAt > began ? (cpuSeconds * took * 1_000) / (lookedAt - began) : 0,
    faults: faults.map(([name, count]) => `${count} times ${name.slice(6)}, says wrk`),
    faultCount: faults.reduce((sum, [, count]) => sum + count, 0),
  };
}

function scriptOf(plan: LoadPlan): string {
  const fields = plan.fields
    .split("\r\n")
    .filter(Boolean)
    .concat(plan.close ? ["Connection: close"] : [])
    .map((line) => `wrk.headers["${line.slice(0, line.indexOf(":"))}"] = "${line.slice(line.indexOf(":") + 2)}"`);
  return `${fields.join("\n")}
local targets = { ${plan.targets.map((target) => `"${target}"`).join(", ")} }
local requests = {}
local at = 0
function init(args)
  for i, target in ipairs(targets) do requests[i] = wrk.format("GET", target) end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency, all)
  local said = { '"requests":' .. summary.requests, '"bytes":' .. summary.bytes }
  said[#said + 1] = '"microseconds":' .. summary.duration
  for name, count in pairs(summary.errors) do said[#said + 1] = '"fault-' .. name .. '":' .. count end
  for p = 1, 100 do said[#said + 1] = '"p' .. p .. '":' .. latency:percentile(math.min(p, 99.999)) end
  io.write("RESULT {" .. table.concat(said, ",") .. "}\\n")
end
`;
}
