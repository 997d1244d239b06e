/** What contenders, cases and reports of the bench share. */
import type { LoadPlan, LoadResult } from "./load-plan.ts";
import type { Spread } from "./statistics.ts";

/** Every figure that a turn may give: its unit, and which way is better. */
export const metrics = {
  requestsPerSecond: { unit: "/s", better: "more", digits: 0 },
  megabytesPerSecond: { unit: "MB/s", better: "more", digits: 0 },
  p50Ms: { unit: "ms p50", better: "less", digits: 2 },
  p99Ms: { unit: "ms p99", better: "less", digits: 2 },
  firstByteMs: { unit: "ms first byte", better: "less", digits: 2 },
  totalMs: { unit: "ms in all", better: "less", digits: 1 },
  startMs: { unit: "ms to open port", better: "less", digits: 0 },
  firstHitMs: { unit: "ms to first hit", better: "less", digits: 0 },
  pacePercent: { unit: "% of pace", better: "more", digits: 0 },
  firstFrameMs: { unit: "ms first frame", better: "less", digits: 0 },
  rebuffers: { unit: "rebuffers", better: "less", digits: 0 },
  stalledMs: { unit: "ms stalled", better: "less", digits: 0 },
  originConnections: { unit: "connections", better: "less", digits: 0 },
  originKilobytes: { unit: "KB from origin", better: "less", digits: 0 },
  twiceKilobytes: { unit: "KB twice", better: "less", digits: 1 },
  cpuSecondsPerGigabyte: { unit: "CPU s/GB", better: "less", digits: 2 },
  cpuSecondsPerThousand: { unit: "CPU s/1000", better: "less", digits: 3 },
  cpuPercent: { unit: "% CPU", better: "less", digits: 0 },
  peakMegabytes: { unit: "MB peak", better: "less", digits: 0 },
  openFiles: { unit: "open", better: "less", digits: 0 },
  diskFiles: { unit: "files", better: "less", digits: 0 },
  clientCpuPercent: { unit: "% CPU of the client", better: "less", digits: 0 },
  originCpuPercent: { unit: "% CPU of the origin", better: "less", digits: 0 },
} as const satisfies Record<string, { unit: string; better: "more" | "less"; digits: number }>;

export type Metric = keyof typeof metrics;
export type Figures = Partial<Record<Metric, number>>;

/** What one contender did in one round of one case; `faults` are wrong answers, in words. */
export type Turn = { figures: Figures; faults: string[] };

/** Where a contender is started: a fresh folder of its own, the origin, and the folder of static files. */
export type Place = { folder: string; originPort: number; siteFolder: string; options: ContenderOptions };

/** What the command may say about contenders. */
export type ContenderOptions = { bridge: string | null };

export type RunningContender = {
  port: number;
  /** The process that does the work, or the parent of those that do. */
  pid: number;
  /** What is asked for to get that path of the origin. */
  targetOf: (path: string) => string;
  stop: () => Promise<void>;
};

export type Contender = {
  name: string;
  title: string;
  /** `cache` stores what it fetches; `files` serves the site's folder; `origin` is the origin itself. */
  kind: "cache" | "files" | "origin";
  /** Cases outside of which it does nothing that another does not; absent: it takes part in all of its kind. */
  cases?: string[];
  /** Started again it has nothing stored: it takes no part in cases of that. */
  forgets?: true;
  /** Why it cannot run on this machine, with what to install; null when it can. */
  missing: (options: ContenderOptions) => string | null;
  start: (place: Place) => Promise<RunningContender>;
};

/** The origin's process. */
export type BenchOrigin = {
  port: number;
  pid: number;
  /** Requests that it was asked so far. */
  asked: () => Promise<number>;
  stop: () => Promise<void>;
};

/** What a case has in hand in one turn. */
export type Stage = {
  contender: Contender;
  running: RunningContender;
  origin: BenchOrigin;
  /** Length of a turn that has one, in seconds. */
  seconds: number;
  /** Of the whole run: -1 warms up. */
  round: number;
  /** Makes the site's folder hold these paths. */
  provide: (paths: string[]) => void;
  /** Ends the contender and starts it in the same folder; resolves with the ms from its start to its open port. */
  restart: () => Promise<number>;
  /** Runs a load against the contender, with its figures. */
  load: (plan: LoadPlan) => Promise<{ turn: Turn; result: LoadResult }>;
  /** Runs a load beside the measured one, over it by so many seconds; resolves once it is over. */
  side: (plan: LoadPlan, longerSeconds: number) => Promise<LoadResult>;
};

export type BenchCase = {
  id: string;
  title: string;
  /** The figure that is compared. */
  metric: Metric;
  /** Which kinds of contenders can play it. */
  kinds: Contender["kind"][];
  /** Only when it is asked for by name: it takes minutes. */
  long?: boolean;
  /** It starts contenders again, and looks for what they have stored. */
  restarts?: true;
  /** Cases of one curve differ in how much is stored only. */
  curve?: CurvePoint;
  prepare: (stage: Stage) => Promise<string[]>;
  turn: (stage: Stage) => Promise<Turn>;
};

/** A case as a point of a curve: what the curve shows, and how many resources are stored here. */
export type CurvePoint = { name: string; resources: number };

export type ContenderResult = {
  contender: string;
  figures: Partial<Record<Metric, Spread>>;
  /** Every round's figures, in order. */
  rounds: Figures[];
  /** The case's figure over the baseline's, round by round; null for the baseline itself or without one. */
  ratio: Spread | null;
  faults: string[];
  notes: string[];
};

export type CaseResult = {
  id: string;
  title: string;
  metric: Metric;
  baseline: string;
  curve?: CurvePoint;
  results: ContenderResult[];
};

export type GoalResult = {
  id: string;
  what: string;
  contender: string;
  against: string | null;
  bound: string;
  figure: Spread | null;
  /** Of rates: the same ratio of what each does in a second of its processor time, which a busy machine changes least. */
  byProcessor: Spread | null;
  /** Null when it was not measured. */
  reached: boolean | null;
  /** Null without a stretch, too. */
  stretched: boolean | null;
};

export type BenchReport = {
  at: string;
  machine: { cpu: string; cores: number; memoryMegabytes: number; system: string; node: string; load: number };
  rounds: number;
  seconds: number;
  left: { contender: string; why: string }[];
  cases: CaseResult[];
  goals: GoalResult[];
};
