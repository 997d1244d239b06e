/** The command `requests` of the harness: odd requests to two proxies, which must answer alike. */
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Command, InvalidArgumentError } from "commander";
import type { RunningTarget, Target } from "../sut/target.ts";
import { targetOf, targetSyntax } from "../sut/targets.ts";
import { compareProxies, type WireDifference } from "./compare-proxies.ts";
import { allOddRequests, madeRequests } from "./request-maker.ts";

type RequestsOptions = { target: string[]; runs: number; seed: number };

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Differences that are shown, and bytes of each side. */
const shownMax = 10;
const shownBytesMax = 300;

/** Adds the command to the program. */
export function addRequestsCommand(program: Command): void {
  program
    .command("requests")
    .description("send odd and broken requests to two proxies and compare every byte of the answers")
    .option("--target <target...>", "two of: reference, bridge, cmd:COMMAND, a URL", ["reference", "bridge"])
    .option("--runs <n>", "requests made by chance, besides the odd ones that are written down", wholeNumber, 2_000)
    .option("--seed <n>", "where chance begins", wholeNumber, 1)
    .action(async (options: RequestsOptions) => {
      const targets = options.target.map((written) => targetOf(written, join(root, "server"), null));
      const [left, right] = targets;
      if (left == null || right == null || targets.length !== 2) {
        program.error(`--target twice: ${targetSyntax}`, { exitCode: 2 });
        return;
      }
      process.exitCode = await compareTargets(left, right, options);
    });
}

/** 0 when both answer alike. Throws a `TargetError` when one of them cannot be started. */
async function compareTargets(left: Target, right: Target, options: RequestsOptions): Promise<0 | 1> {
  const targets = [left, right];
  const running: RunningTarget[] = [];
  try {
    for (const target of targets) running.push(await target.start({}));
    const [one = 0, other = 0] = running.map((target) => Number(new URL(target.url).port));
    const host = `127.0.0.1:${one}`;
    const requests = [...allOddRequests(host), ...madeRequests(options.seed, options.runs, host)];
    const differences = await compareProxies(one, other, requests);
    for (const difference of differences.slice(0, shownMax)) show(difference, left.name, right.name);
    console.log(`${requests.length} requests, ${differences.length} answered differently (seed ${options.seed})`);
    return differences.length === 0 ? 0 : 1;
  } finally {
    for (const target of running) await target.stop();
    for (const target of targets) await target.end();
  }
}

function show({ name, bytes, left, right }: WireDifference, leftName: string, rightName: string): void {
  let same = 0;
  while (same < left.text.length && left.text[same] === right.text[same]) same += 1;
  const from = Math.max(0, left.text.lastIndexOf("\n", same - 1) + 1);
  console.log(`✗ ${name}`);
  console.log(`  sent       ${quoted(bytes.toString("latin1"))}`);
  for (const [side, told] of [
    [leftName, left],
    [rightName, right],
  ] as const) {
    console.log(`  ${side.padEnd(10)} byte ${from}: ${quoted(told.text.slice(from))}, ended: ${told.end}`);
  }
}

function quoted(text: string): string {
  const shown = JSON.stringify(text.slice(0, shownBytesMax));
  return text.length > shownBytesMax ? `${shown}… (${text.length} bytes)` : shown;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError("a number from 1 on");
  return Number(text);
}
