/** An origin that fails or lies for a while and then is well, and what a player may see of it. */
import type { Test } from "tap";
import { type Ask, field, type WireResponse } from "./raw-player.ts";
import {
  type Bench,
  bench,
  bodyFault,
  headText,
  outcome,
  type RawConnection,
  type RawRequest,
  type Resource,
  rawField,
  segment,
  serve,
} from "./wire-bench.ts";

export const faultyTotal = 300_000;
export const good = segment(faultyTotal);

/** Fast failures; the breaker stays out of the way, it has its own playbooks. */
export const quickLimits = { headSilenceMs: 400, bodySilenceMs: 400, resumeBackoffMs: 10, breakerFailures: 1_000 };

type Answer = (request: RawRequest, connection: RawConnection, resource: Resource) => unknown;

/** How a good origin answers. */
const well: Answer = (request, connection, resource) => serve(connection, request, resource);

/** A bench whose origin runs `fault` for its first `times` requests and serves `after` from then on. */
export async function faulty(
  t: Test,
  times: number,
  fault: (request: RawRequest, connection: RawConnection) => unknown,
  after: Resource = good,
  answer: Answer = well,
): Promise<Bench> {
  let seen = 0;
  const handler = (request: RawRequest, connection: RawConnection): unknown => {
    seen += 1;
    return seen <= times ? fault(request, connection) : answer(request, connection, after);
  };
  return bench(t, handler, { limits: quickLimits });
}

/** The fields of a player that asks for one range, both ends inclusive. */
export function ranged(first: number, last: number): Ask {
  return { fields: ["Range", `bytes=${first}-${last}`] };
}

/** The head of a right answer (of `good`) from the byte that the request starts at, and that byte. */
export function honestHead(request: RawRequest): { start: number; head: string } {
  const start = Number(/^bytes=(\d+)-/.exec(rawField(request.fields, "Range") ?? "")?.[1] ?? 0);
  const fields = ["Content-Type", "video/mp2t", "ETag", good.etag ?? "", "Content-Length", String(faultyTotal - start)];
  if (start > 0) fields.push("Content-Range", `bytes ${start}-${faultyTotal - 1}/${faultyTotal}`);
  return { start, head: headText(start > 0 ? 206 : 200, "OK", fields) };
}

/** Right bytes with a right status, or a failure that a player can see; never a clean wrong body. */
export function rightOrFailed(t: Test, got: WireResponse | { cut: Buffer }, body: Buffer, when: string): void {
  if ("cut" in got) {
    t.pass(`${when}: cut, which a player sees`);
    return;
  }
  if (got.status >= 500) {
    t.pass(`${when}: ${got.status}, which a player sees`);
    return;
  }
  const range = /^bytes (\d+)-(\d+)\//.exec(field(got, "content-range") ?? "");
  const expected = range === null ? body : body.subarray(Number(range[1]), Number(range[2]) + 1);
  t.ok(got.status === 200 || got.status === 206, `${when}: status ${got.status}`);
  t.equal(bodyFault(got.body, expected), "", `${when}: the bytes that the status promises`);
}

/** The connection was cut, and what came before is a prefix of `body`. */
export async function cutPrefix(t: Test, asked: Promise<WireResponse>, body: Buffer): Promise<void> {
  const got = await outcome(asked);
  if ("cut" in got) t.equal(bodyFault(got.cut, body.subarray(0, got.cut.length)), "", "what came is a prefix");
  else t.fail(`a clean ${got.status} of ${got.body.length} bytes where the connection should be cut`);
}

/** Asked again of the origin that is well now: a range and the whole are right. */
export async function healed(t: Test, on: Bench, body: Buffer = good.body, path = "/seg.ts"): Promise<void> {
  const part = await on.ask(path, ranged(1000, 1999));
  t.equal(part.status, 206, "healed: a range is 206");
  t.equal(bodyFault(part.body, body.subarray(1000, 2000)), "", "healed: the range's bytes");
  const whole = await on.ask(path);
  t.equal(whole.status, 200, "healed: 200");
  t.equal(bodyFault(whole.body, body), "", "healed: the whole");
}
