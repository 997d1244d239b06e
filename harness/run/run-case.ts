/** One case on one target: starts what it needs, plays it, and judges what came back. */

import type { FoundCase } from "../case/case-files.ts";
import type { Case } from "../case/case-types.ts";
import { type Addresses, expandOrigins } from "../case/placeholders.ts";
import type { CaseResult, Finding, Oracle, OriginEntry, Transcript } from "../case/result-types.ts";
import { type Origin, startOrigin } from "../origin/origin.ts";
import { loopbackPlace, type OriginPlace } from "../origin/origin-place.ts";
import { play } from "../player/player.ts";
import { mappingOf } from "../sut/mapping.ts";
import { CannotError, type RunningTarget, type Target, TargetError } from "../sut/target.ts";
import { compareTranscripts } from "./compare.ts";
import { mostAtOnce } from "./concurrency.ts";
import { maskTranscript } from "./masks.ts";
import { readSeal, writeSeal } from "./seal.ts";

export type CaseRun = {
  oracles: Oracle[];
  mapping: string | null;
  /** Reasons of the target's known failures, by case. */
  known: Record<string, string>;
  update: boolean;
  /** Where origins listen for targets on this machine, null for loopback. */
  originPlace: OriginPlace | null;
};

/** Longest that a case may take, in milliseconds. */
const caseMs = 45_000;

/** Plays and judges. Rejects with a `TargetError` only when the target cannot be started at all. */
export async function runCase(found: FoundCase, target: Target, run: CaseRun): Promise<CaseResult> {
  const beganAt = performance.now();
  const one = found.case;
  const place = (await target.originPlace?.()) ?? run.originPlace ?? loopbackPlace;
  const origin = await startOrigin(one.origin, beganAt, place);
  try {
    const { transcript, findings } = await playOn(one, target, origin, run, beganAt);
    const sealed = readSeal(found.folder);
    if (sealed !== null) {
      findings.push(...compareTranscripts(sealed, transcript, { left: "sealed", right: target.name }, "seal"));
    }
    const base = { case: one, target: target.name, transcript, sealed, ms: performance.now() - beganAt };
    if (run.update && findings.every((finding) => finding.by === "seal")) {
      if (sealed === null || findings.length > 0) writeSeal(found.folder, transcript);
      return { ...base, sealed: transcript, findings: [], ...verdictOf(one, [], true, run.known) };
    }
    return { ...base, findings, ...verdictOf(one, findings, sealed !== null, run.known) };
  } finally {
    await origin.stop();
  }
}

/** What the findings mean; a known failure that passes is a failure of its list. */
export function verdictOf(
  one: Case,
  findings: Finding[],
  isSealed: boolean,
  known: Record<string, string>,
): Pick<CaseResult, "verdict" | "reason"> {
  const reason = Object.hasOwn(known, one.id) ? known[one.id] : undefined;
  if (reason !== undefined) return { verdict: findings.length > 0 ? "known-failing" : "unexpected-pass", reason };
  if (findings.length > 0) return { verdict: "failed", reason: "" };
  return { verdict: isSealed ? "passed" : "unsealed", reason: "" };
}

async function playOn(
  one: Case,
  target: Target,
  origin: Origin,
  run: CaseRun,
  beganAt: number,
): Promise<{ transcript: Transcript; findings: Finding[] }> {
  const options = caseOptions(one, origin);
  const running = await startTarget(target, options);
  if (running instanceof CannotError) {
    const transcript = { responses: [], origin: [], concurrent: 0 };
    return { transcript, findings: [{ by: "run", at: "", message: `the target ${running.message}` }] };
  }
  const now = (): number => performance.now() - beganAt;
  const mapping = mappingOf(run.mapping, options.secret ? `/~${encodeURIComponent(String(options.secret))}` : "");
  const { originUrl, otherUrl } = origin;
  const addresses: Addresses = { targetUrl: running.url, originUrl, otherUrl, map: mapping };
  const findings: Finding[] = [];
  let raw: Transcript = { responses: [], origin: [], concurrent: 0 };
  try {
    const { responses, failure } = await withinTime(play(one, running, origin, addresses, now));
    if (failure !== "") findings.push({ by: "run", at: "", message: failure });
    const entries = origin.log.map((entry) => reported(entry, now()));
    raw = { responses, origin: entries, concurrent: mostAtOnce(one, entries) };
  } catch (error) {
    findings.push({ by: "run", at: "", message: error instanceof Error ? error.message : String(error) });
  }
  findings.push(...(await stopTarget(running, origin)));
  const limits = (options.limits ?? {}) as { slotsMax?: number };
  const context = { case: one, transcript: raw, targetUrl: running.url, originUrl, otherUrl };
  const exempt = one.exempt.map((entry) => entry.oracle);
  for (const oracle of run.oracles.filter((candidate) => !exempt.includes(candidate.name))) {
    findings.push(...oracle.check({ ...context, slotsMax: limits.slotsMax ?? 32, versions: origin.versions }));
  }
  return { transcript: maskTranscript(raw, addresses), findings };
}

async function startTarget(target: Target, options: Record<string, unknown>): Promise<RunningTarget | CannotError> {
  try {
    return await target.start(options);
  } catch (error) {
    if (error instanceof CannotError) return error;
    throw error;
  }
}

/** The case's options, with addresses put in and the case's own origins let through unless it says otherwise. */
function caseOptions(one: Case, origin: Origin): Record<string, unknown> {
  const put = (value: unknown): unknown => {
    if (typeof value === "string") return expandOrigins(value, origin.originUrl, origin.otherUrl);
    return Array.isArray(value) ? value.map(put) : value;
  };
  const given = Object.fromEntries(Object.entries(one.options).map(([name, value]) => [name, put(value)]));
  const hosts = new Set(["127.0.0.1", new URL(origin.originUrl).hostname]);
  return { allowPrivate: [...hosts].map((host) => `${host}:*`), ...given };
}

async function stopTarget(running: RunningTarget, origin: Origin): Promise<Finding[]> {
  origin.barriers.openAll();
  try {
    await running.stop();
    return [];
  } catch (error) {
    if (!(error instanceof TargetError || error instanceof CannotError)) throw error;
    return [{ by: "run", at: "", message: `the target did not stop: ${error.message}` }];
  }
}

async function withinTime<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`the case took longer than ${caseMs} ms`)), caseMs);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

function reported(entry: OriginEntry, nowMs: number): OriginEntry {
  const { origin, connection, method, target, fields, status, from, bodyBytes, startMs } = entry;
  const endMs = entry.endMs < 0 ? nowMs : entry.endMs;
  return { origin, connection, method, target, fields, status, from, bodyBytes, startMs, endMs };
}
