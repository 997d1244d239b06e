/** What a run brings: transcripts, findings, verdicts. The report is made from these alone. */
import type { Case } from "./case-types.ts";

/** One response as it was on the wire, and when (milliseconds from the case's begin). */
export type WireResponse = {
  request: string;
  /** The request's exact bytes, latin1. */
  sent: string;
  /** The status line and fields, exact, latin1, with the empty line; "" when none came. */
  head: string;
  framing: "length" | "chunked" | "close" | "none";
  /** Body without its framing: length, SHA-256, and the text when it is short and printable (latin1), else null. */
  bytes: number;
  sha256: string;
  text: string | null;
  /** `complete`; `cut`: ended before its framing said; `open`: the player stopped reading; `none`: no head came. */
  end: "complete" | "cut" | "reset" | "open" | "none";
  /** Faults of the strict parser, in words. */
  faults: string[];
  sentMs: number;
  headMs: number;
  endMs: number;
};

/** One request as the origin saw it. */
export type OriginEntry = {
  origin: "origin" | "other";
  connection: number;
  method: string;
  target: string;
  /** Fields as they came, [name, value]. */
  fields: [string, string][];
  /** Status that it answered, 0 for none. */
  status: number;
  /** First body byte within the representation, and how many body bytes were written. */
  from: number;
  bodyBytes: number;
  startMs: number;
  endMs: number;
};

export type Transcript = {
  responses: WireResponse[];
  origin: OriginEntry[] /** Most origin transfers at once, without express ones where known. */;
  concurrent: number;
};

/** Something that is wrong. */
export type Finding = {
  /** "seal", "equal" (between targets), an oracle's name, or "run" (the case could not be played). */
  by: string;
  /** The response or origin request concerned, or "". */
  at: string;
  /** What a person reads: the first difference with its context. */
  message: string;
};

export type CaseResult = {
  case: Case;
  target: string;
  verdict: "passed" | "failed" | "known-failing" | "unexpected-pass" | "unsealed";
  findings: Finding[];
  /** Why it is known to fail. */
  reason: string;
  transcript: Transcript;
  sealed: Transcript | null;
  ms: number;
};

export type RunResult = { startedAt: string; seed: number; targets: string[]; results: CaseResult[]; ms: number };

/** An oracle: truths that need no seal. */
export type Oracle = { name: string /** One sentence. */; says: string; check: (context: OracleContext) => Finding[] };

export type OracleContext = {
  case: Case;
  transcript: Transcript;
  /** `http://127.0.0.1:port` of the target and the origins, as the case ran. */
  targetUrl: string;
  originUrl: string;
  otherUrl: string;
  slotsMax: number;
  /** The exact bytes of every version of a resource that the origin ever had, oldest first. */
  versions: (target: string) => Buffer[];
};
