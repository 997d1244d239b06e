/**
 * A process that plays cases against one mutant until one catches it (see run-mutant.ts). A process of its own, because
 * a mutant may leave anything behind: connections, timers, a server that never answers.
 */
import { type FoundCase, findCases } from "../case/case-files.ts";
import type { Finding } from "../case/result-types.ts";
import { oracles } from "../oracles/index.ts";
import { runCase } from "../run/run-case.ts";
import { referenceLauncher } from "../sut/reference.ts";
import { launchedTarget, type Target } from "../sut/target.ts";
import type { MutantOrder, MutantVerdict } from "./run-mutant.ts";

/** Longest that a case may take before it counts as a hang, in milliseconds; the original must need less than half. */
const hangMs = 8_000;
/** Cases played at once. */
const jobs = 2;

process.on("disconnect", () => process.exit(1));
process.once("message", (order: MutantOrder) => {
  judge(order).then(
    (verdict) => process.send?.(verdict, () => process.exit(0)),
    (error: unknown) => {
      process.send?.({ kind: "unusable", why: String(error) } satisfies MutantVerdict, () => process.exit(0));
    },
  );
});

async function judge(order: MutantOrder): Promise<MutantVerdict> {
  const mutant = launchedTarget("reference", [referenceLauncher(order.server)]);
  const original = launchedTarget("reference", [referenceLauncher(order.original)]);
  try {
    return await firstCatch(orderedCases(order), mutant, original);
  } finally {
    await Promise.all([mutant.end(), original.end()]);
  }
}

/** The cases that are likely to catch it, in the order of their globs, then all others. */
function orderedCases(order: MutantOrder): FoundCase[] {
  const cases = new Map<string, FoundCase>();
  for (const glob of order.likelyOnly ? order.only : [...order.only, "**"]) {
    for (const found of findCases(glob)) if (!cases.has(found.case.id)) cases.set(found.case.id, found);
  }
  return [...cases.values()];
}

/** The first case alone, as most mutants need no more processes than that; then some at once. */
async function firstCatch(cases: FoundCase[], mutant: Target, original: Target): Promise<MutantVerdict> {
  let verdict: MutantVerdict | null = null;
  let played = 0;
  const worker = async (most: number): Promise<void> => {
    for (let count = 0; count < most && verdict === null; count += 1) {
      const found = cases.shift();
      if (found === undefined) return;
      const caught = await catches(found, mutant, original);
      verdict ??= caught;
      played += 1;
    }
  };
  await worker(1);
  await Promise.all(Array.from({ length: jobs }, () => worker(cases.length)));
  return verdict ?? { kind: "survived", played };
}

/** A case catches a mutant when it fails on it, passes on the original right after, and fails on it again. */
async function catches(found: FoundCase, mutant: Target, original: Target): Promise<MutantVerdict | null> {
  const first = await faultOf(found, mutant);
  if (first === null) return null;
  const beganAt = performance.now();
  if ((await faultOf(found, original)) !== null) return null;
  const quick = performance.now() - beganAt < hangMs / 2;
  // A hang is not waited for twice.
  const fault = first === "hang" ? first : await faultOf(found, mutant);
  const by = found.case.id;
  if (fault === null || (fault === "hang" && !quick)) return null;
  if (fault === "hang") return { kind: "caught", by, how: "hang", finding: `longer than ${hangMs / 1000} s` };
  return { kind: "caught", by, how: fault.by, finding: `${fault.at} ${fault.message}`.trim() };
}

async function faultOf(found: FoundCase, target: Target): Promise<Finding | "hang" | null> {
  const hang = Promise.withResolvers<"hang">();
  const timer = setTimeout(() => hang.resolve("hang"), hangMs);
  const run = runCase(found, target, { oracles, mapping: null, known: {}, update: false, originPlace: null });
  try {
    const result = await Promise.race([run, hang.promise]);
    return result === "hang" ? "hang" : (result.findings[0] ?? null);
  } catch (error) {
    // The target ended under the case, or did not start: a finding like any other, if the original does neither.
    return { by: "run", at: "", message: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
