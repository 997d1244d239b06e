/** No byte twice: over any run of overlapping ranges the origin sends each byte that was asked for exactly once. */
import t, { type Test } from "tap";
import {
  type Bench,
  bench,
  bodyFault,
  patternBytes,
  type Resource,
  type ServerOptions,
  seeded,
  serve,
} from "./support/wire-bench.ts";

const total = 1_000_003;
const resource: Resource = {
  body: patternBytes(0, total),
  type: "video/mp4",
  etag: '"o"',
  lastModified: null,
  fields: [],
};

type Asked = { start: number; end: number; text: string };

/** One random range: closed, open near the end, suffix, or a probe. */
function randomRange(random: (bound: number) => number): Asked {
  const kind = random(20);
  if (kind === 0) {
    const length = 1 + random(5000);
    return { start: total - length, end: total, text: `bytes=-${length}` };
  }
  if (kind === 1) {
    const start = total - 1 - random(5000);
    return { start, end: total, text: `bytes=${start}-` };
  }
  if (kind === 2) return { start: 0, end: 2, text: "bytes=0-1" };
  const start = random(total);
  const end = Math.min(total, start + 1 + random(kind < 6 ? 40_000 : 3000));
  return { start, end, text: `bytes=${start}-${end - 1}` };
}

/** Counts the distinct bytes of all ranges. */
function uniqueBytes(ranges: Asked[]): number {
  const seen = new Uint8Array(total);
  for (const range of ranges) seen.fill(1, range.start, range.end);
  return seen.reduce((sum, one) => sum + one, 0);
}

async function counted(t: Test, options: ServerOptions): Promise<{ on: Bench; sent: () => number }> {
  let sent = 0;
  const on = await bench(
    t,
    (request, connection) => {
      sent += serve(connection, request, resource);
    },
    options,
  );
  return { on, sent: () => sent };
}

async function askRange(t: Test, on: Bench, range: Asked): Promise<void> {
  const response = await on.ask("/movie.mp4", { fields: ["Range", range.text] });
  const fault = bodyFault(response.body, resource.body.subarray(range.start, range.end));
  if (response.status !== 206 || fault !== "") t.fail(`${range.text}: ${response.status} ${fault}`);
}

for (const seed of [1, 20_261_120]) {
  t.test(`three hundred overlapping ranges in turn (seed ${seed})`, async (t) => {
    const { on, sent } = await counted(t, {});
    const random = seeded(seed);
    const ranges = Array.from({ length: 300 }, () => randomRange(random));
    for (const range of ranges) await askRange(t, on, range);
    t.equal(sent(), uniqueBytes(ranges), "the origin sent each byte asked for once, and no other");
    const whole = await on.ask("/movie.mp4");
    t.equal(bodyFault(whole.body, resource.body), "", "spans and holes make the whole");
    t.equal(sent(), total, "the whole costs only the holes");
    const requests = on.origin.requests.length;
    for (const range of ranges.slice(0, 50)) await askRange(t, on, range);
    t.equal(on.origin.requests.length, requests, "then nothing more is asked of the origin");
  });
}

t.test("three hundred overlapping ranges, ten at a time", async (t) => {
  const { on, sent } = await counted(t, { limits: { seekBytesMin: 1_000_000_000 } });
  const random = seeded(7);
  const ranges = Array.from({ length: 300 }, () => randomRange(random));
  for (let at = 0; at < ranges.length; at += 10) {
    await Promise.all(ranges.slice(at, at + 10).map((range) => askRange(t, on, range)));
  }
  t.equal(sent(), uniqueBytes(ranges), "the origin sent each byte asked for once, and no other");
});

t.test("players that start at once at random places share every byte", async (t) => {
  const { on, sent } = await counted(t, { limits: { seekBytesMin: 1_000_000_000 } });
  const random = seeded(99);
  const starts = Array.from({ length: 24 }, () => random(total));
  await Promise.all(starts.map((start) => askRange(t, on, { start, end: total, text: `bytes=${start}-` })));
  t.equal(sent(), total - Math.min(...starts), "one pass over what anybody asked for");
});
