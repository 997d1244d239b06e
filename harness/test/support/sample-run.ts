/** A small run for tests of the reports: two targets, every verdict, and a body that would break a careless page. */
import type { CaseResult, RunResult, Transcript } from "../../case/result-types.ts";
import { makeCase, textResource } from "./cases.ts";
import { asked, whole } from "./transcripts.ts";

/** What a body must never do to the page that shows it. */
export const hostileText = '</script><img src=x onerror="document.title=1"> $& \u2028 end';

export function sampleRun(): RunResult {
  const results = [
    result("ranges/right", "reference", "passed"),
    result("ranges/wrong", "reference", "failed"),
    result("ranges/new", "reference", "unsealed"),
    result("security/known", "reference", "known-failing"),
    result("security/healed", "reference", "unexpected-pass"),
    result("ranges/right", "swift", "passed"),
    result("ranges/wrong", "swift", "passed"),
  ];
  return { startedAt: "2026-11-20T06:00:00.000Z", seed: 7, targets: ["reference", "swift"], results, ms: 1234 };
}

function result(id: string, target: string, verdict: CaseResult["verdict"]): CaseResult {
  const item = { ...makeCase(id, { "/seg.ts": textResource("body") }, []), rules: ["R-RANGE-1"], faults: ["a-fault"] };
  const bad = verdict === "failed" || verdict === "known-failing";
  const message = "head, line 3 of 4\n  sealed     Content-Length: 4\n  reference  Content-Length: 5\x01";
  return {
    case: { ...item, title: `What ${id} proves <b>` },
    target,
    verdict,
    findings: bad ? [{ by: "seal", at: "first", message }] : [],
    reason: verdict === "known-failing" || verdict === "unexpected-pass" ? "it never did" : "",
    transcript: transcriptOf(bad ? "X" : ""),
    sealed: verdict === "unsealed" ? null : transcriptOf(""),
    ms: 12.5,
  };
}

function transcriptOf(extra: string): Transcript {
  const first = whole("first", "/seg.ts", `${hostileText}${extra}`);
  return { responses: [first, whole("second", "/seg.ts", "same")], origin: [asked("/seg.ts", 4)], concurrent: 1 };
}
