/** Sends a planned reply: holds at barriers, keeps to a rate, and ends as the script says. */
import type { Reply } from "../case/case-types.ts";
import type { Barriers } from "./barriers.ts";
import type { ReplyPlan } from "./reply-plan.ts";

/** The origin's end of a connection. */
export type Sink = {
  /** Resolves once the kernel has the bytes; false when the connection is gone. */
  write: (bytes: Buffer) => Promise<boolean>;
  end: () => void;
  reset: () => void;
  onGone: (callback: () => void) => void;
  isGone: () => boolean;
};

type Note = (status: number, from: number, bodyBytes: number) => void;

const pieceBytes = 65_536;
/** How often a paced body is given its next share, in milliseconds. */
const paceMs = 20;

/** Resolves when the reply is over on the origin's side. `note` hears the status at once and body bytes as they go. */
export async function sendReply(reply: Reply, plan: ReplyPlan, sink: Sink, gates: Barriers, note: Note): Promise<void> {
  const holds = reply.hold ?? [];
  for (const hold of holds) if (hold.at === "head") await gates.pass(hold.barrier);
  if (reply.latencyMs !== undefined) await pause(reply.latencyMs);
  if (reply.kind === "silent") return;
  if (reply.kind === "reset") return sink.reset();
  if (reply.kind === "close") return sink.end();
  note(plan.status, plan.from, 0);
  if (!(await sendHead(Buffer.from(plan.head, "latin1"), reply.headPauseMs, sink))) return;
  const stop = reply.stopAfter === undefined ? plan.body.bytes : Math.min(reply.stopAfter, plan.body.bytes);
  const stops = cuts(stop, holds);
  for (const { from, to, barrier } of stops) {
    if (barrier !== null) await gates.pass(barrier);
    if (!(await sendBody(plan, from, to, reply.rate, sink, note))) return;
  }
  await finish(reply, plan, stop, sink);
}

/** Writes the head; with a pause, in two halves, so that a client sees it come slowly. */
async function sendHead(head: Buffer, pauseMs: number | undefined, sink: Sink): Promise<boolean> {
  if (pauseMs === undefined) return sink.write(head);
  const half = Math.floor(head.length / 2);
  if (!(await sink.write(head.subarray(0, half)))) return false;
  await pause(pauseMs);
  return sink.write(head.subarray(half));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

type Stretch = { from: number; to: number; barrier: string | null };

/** The body in stretches, each after its barrier. A hold at N stands before byte N, also when N is the body's end. */
function cuts(stop: number, holds: { at: "head" | number; barrier: string }[]): Stretch[] {
  const stretches: Stretch[] = [];
  let from = 0;
  let barrier: string | null = null;
  const inBody = holds.filter((hold): hold is { at: number; barrier: string } => hold.at !== "head" && hold.at <= stop);
  for (const hold of inBody.sort((a, b) => a.at - b.at)) {
    stretches.push({ from, to: hold.at, barrier });
    from = hold.at;
    barrier = hold.barrier;
  }
  stretches.push({ from, to: stop, barrier });
  return stretches;
}

async function sendBody(
  plan: ReplyPlan,
  begin: number,
  to: number,
  rate: number | undefined,
  sink: Sink,
  note: Note,
): Promise<boolean> {
  let from = begin;
  while (from < to) {
    const most = rate === undefined ? pieceBytes : Math.max(1, Math.round((rate * paceMs) / 1000));
    const end = Math.min(to, from + Math.min(pieceBytes, most));
    const bytes = plan.body.slice(from, end);
    const wire = plan.chunked ? chunk(bytes) : bytes;
    if (!(await sink.write(wire))) return false;
    note(plan.status, plan.from, bytes.length);
    from = end;
    if (rate !== undefined && from < to) await pause(paceMs);
  }
  return !sink.isGone();
}

async function finish(reply: Reply, plan: ReplyPlan, stop: number, sink: Sink): Promise<void> {
  const whole = stop === plan.body.bytes;
  if (whole && plan.chunked && (reply.end === undefined || reply.end === "ok")) {
    const trailers = plan.trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    await sink.write(Buffer.from(`0\r\n${trailers}\r\n`, "latin1"));
  }
  if (reply.extra !== undefined) await sink.write(Buffer.from(reply.extra, "latin1"));
  // A body that stops before its end must end somehow; unless told otherwise, as a crashed server does.
  const end = reply.end ?? (whole ? "ok" : "close");
  if (end === "reset") sink.reset();
  else if (end === "close" || (end === "ok" && plan.closes)) sink.end();
}

function chunk(bytes: Buffer): Buffer {
  if (bytes.length === 0) return bytes;
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
}
