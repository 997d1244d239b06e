/** The bytes that stay in memory: which are kept, which go, and that they are the right ones. */
import t from "tap";
import { MemoryTier } from "../edge/memory-tier.ts";
import { randomFrom } from "./support/random.ts";

const piece = (length: number, fill: number): Buffer => Buffer.alloc(length, fill);
const minute = 60_000;

t.test("bytes are kept when they are read for the second time", async (t) => {
  const tier = new MemoryTier({ bytesMax: 10_000, idleMs: minute });
  tier.offer(1, 0, piece(100, 7));
  t.equal(tier.get(1, 0, 100), null, "once is not enough");
  tier.offer(1, 0, piece(100, 7));
  t.same(tier.get(1, 0, 100), piece(100, 7));
  t.same(tier.get(1, 40, 100), piece(60, 7), "from inside a piece to its end");
  t.same(tier.get(1, 40, 50), piece(10, 7), "or to the end that was asked for");
  t.same(tier.get(1, 0, 1_000), piece(100, 7), "never beyond a piece");
  t.equal(tier.get(1, 100, 200), null);
  t.equal(tier.get(2, 0, 100), null, "of its entry alone");
  tier.clear();
});

t.test("the buffer that was offered may be used again", async (t) => {
  const tier = new MemoryTier({ bytesMax: 10_000, idleMs: minute });
  const buffer = piece(100, 1);
  for (let time = 0; time < 2; time += 1) tier.offer(1, 0, buffer);
  buffer.fill(2);
  t.same(tier.get(1, 0, 100), piece(100, 1));
  tier.clear();
});

t.test("a read ends where a piece begins, and pieces never overlap", async (t) => {
  const tier = new MemoryTier({ bytesMax: 10_000, idleMs: minute });
  for (let time = 0; time < 2; time += 1) tier.offer(1, 500, piece(100, 5));
  t.equal(tier.readEnd(1, 0, 1_000), 500);
  t.equal(tier.readEnd(1, 0, 300), 300);
  t.equal(tier.readEnd(1, 600, 1_000), 1_000);
  for (let time = 0; time < 2; time += 1) tier.offer(1, 400, piece(200, 4));
  t.equal(tier.counts().pieces, 1, "what overlaps is not kept");
  t.equal(tier.get(1, 400, 600), null);
  tier.clear();
});

t.test("what was used longest ago makes room", async (t) => {
  const tier = new MemoryTier({ bytesMax: 3_000, idleMs: minute });
  for (const id of [1, 2]) for (let time = 0; time < 2; time += 1) tier.offer(id, 0, piece(1_000, id));
  t.not(tier.get(1, 0, 1), null);
  for (let time = 0; time < 2; time += 1) tier.offer(3, 0, piece(1_000, 3));
  t.not(tier.get(1, 0, 1), null, "used since");
  t.equal(tier.get(2, 0, 1), null, "not used since");
  t.not(tier.get(3, 0, 1), null);
  t.ok(tier.counts().bytes <= 3_000);
  tier.clear();
});

t.test("a pass through more than there is room for washes out nothing", async (t) => {
  const tier = new MemoryTier({ bytesMax: 5_000, idleMs: minute });
  const round = (): number => {
    let found = 0;
    for (let id = 1; id <= 8; id += 1) {
      if (tier.get(id, 0, 1_000) !== null) found += 1;
      else tier.offer(id, 0, piece(1_000, id));
    }
    return found;
  };
  round();
  round();
  t.equal(round(), 3, "as many as there is room for");
  t.equal(round(), 3, "time and again");
  tier.clear();
});

t.test("an entry that goes takes its bytes along", async (t) => {
  const tier = new MemoryTier({ bytesMax: 10_000, idleMs: minute });
  for (let time = 0; time < 2; time += 1) {
    tier.offer(1, 0, piece(100, 1));
    tier.offer(1, 100, piece(100, 1));
    tier.offer(2, 0, piece(100, 2));
  }
  tier.drop(1);
  tier.drop(3);
  t.equal(tier.get(1, 0, 100), null);
  t.equal(tier.get(1, 100, 200), null);
  t.same(tier.get(2, 0, 100), piece(100, 2));
  t.equal(tier.counts().pieces, 1);
  tier.drop(2);
  t.equal(tier.counts().bytes, 0);
  tier.clear();
});

t.test("without room nothing is kept", async (t) => {
  const tier = new MemoryTier({ bytesMax: 0, idleMs: minute });
  for (let time = 0; time < 2; time += 1) tier.offer(1, 0, piece(1, 1));
  t.equal(tier.get(1, 0, 1), null);
});

t.test("everything is let go when nobody asks any more", async (t) => {
  const tier = new MemoryTier({ bytesMax: 10_000, idleMs: 1 });
  for (let time = 0; time < 2; time += 1) tier.offer(1, 0, piece(100, 1));
  // The timer keeps no process alive, so something else must.
  const alive = setInterval(() => undefined, 1);
  while (tier.counts().pieces > 0) await new Promise((resolve) => setImmediate(resolve));
  clearInterval(alive);
  t.equal(tier.get(1, 0, 100), null);
  t.equal(tier.counts().bytes, 0);
});

t.test("whatever is held at random is what was read, within its bound", async (t) => {
  const next = randomFrom(20);
  const tier = new MemoryTier({ bytesMax: 40_000, idleMs: minute });
  const files = [0, 1, 2, 3].map((id) => Buffer.from(Array.from({ length: 20_000 }, (_, at) => (at * 7 + id) & 255)));
  let faults = 0;
  for (let step = 0; step < 20_000; step += 1) {
    const id = next(4);
    const file = files[id] ?? Buffer.alloc(0);
    const offset = next(20) * 1_000;
    const end = Math.min(file.length, offset + 1 + next(5_000));
    const held = tier.get(id, offset, end);
    if (held === null) {
      const readEnd = tier.readEnd(id, offset, end);
      if (readEnd <= offset || readEnd > end) faults += 1;
      tier.offer(id, offset, file.subarray(offset, readEnd));
    } else if (held.length === 0 || !held.equals(file.subarray(offset, offset + held.length))) faults += 1;
    if (held !== null && offset + held.length > end) faults += 1;
    if (next(500) === 0) tier.drop(next(4));
    if (tier.counts().bytes > 40_000) faults += 1;
  }
  t.equal(faults, 0);
  t.ok(tier.counts().hits > 1_000, `${tier.counts().hits} hits`);
  tier.clear();
});
