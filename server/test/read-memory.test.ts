import t from "tap";
import { startApp } from "../edge/app.ts";
import { readBlockBytes } from "../edge/origin-client.ts";
import { ReadMemory } from "../edge/read-memory.ts";
import { resolveOptions } from "../options.ts";

t.test("a block is used again when nobody holds it any more, and not before", async (t) => {
  const memory = new ReadMemory(100, 4);
  const block = memory.take();
  t.equal(block.length, 100);
  const piece = block.subarray(10, 20);
  memory.hold(piece);
  memory.release(block);
  const other = memory.take();
  t.not(other.buffer, block.buffer, "a piece of it is held");
  memory.release(piece);
  t.equal(memory.take().buffer, block.buffer);
  t.same(memory.counts(), { held: 2, kept: 0, made: 2 });
});

t.test("no more free blocks are kept than was said, and one that is not kept is nobody's", async (t) => {
  const memory = new ReadMemory(100, 1);
  const blocks = [memory.take(), memory.take(), memory.take()];
  for (const block of blocks) memory.release(block);
  t.same(memory.counts(), { held: 0, kept: 1, made: 3 });
  const last = blocks[2] ?? Buffer.alloc(0);
  memory.hold(last);
  memory.release(last);
  t.equal(memory.counts().kept, 1);
});

t.test("bytes of other memory are held and let go without effect", async (t) => {
  const memory = new ReadMemory(100, 1);
  memory.hold(Buffer.alloc(10));
  memory.release(Buffer.from("other"));
  t.same(memory.counts(), { held: 0, kept: 0, made: 0 });
});

t.test("letting go twice is a programmer's error", async (t) => {
  const memory = new ReadMemory(100, 1);
  const block = memory.take();
  memory.release(block);
  t.throws(() => memory.release(block), /let go once/);
  t.throws(() => memory.hold(block), /cannot be held/);
});

t.test("free blocks are let go on request, and those in use stay what they are", async (t) => {
  const memory = new ReadMemory(100, 4);
  const free = memory.take();
  const used = memory.take();
  memory.release(free);
  memory.trim();
  t.same(memory.counts(), { held: 1, kept: 0, made: 2 });
  memory.hold(free);
  t.equal(memory.counts().held, 1, "what was let go is other memory");
  memory.release(used);
  t.equal(memory.take().buffer, used.buffer);
});

t.test("a proxy keeps as much as the flights of its slots may hold, and no more", async (t) => {
  const limits = { slotsMax: 3, tailBytesMax: 8 * readBlockBytes };
  const resolved = resolveOptions({ port: 0, logLevel: "silent", cacheDir: t.testdir(), limits });
  if (!resolved.ok) throw new Error(resolved.message);
  const listeners = { onExchange: () => undefined, onEvent: () => undefined };
  const app = await startApp(resolved.options, listeners, { keyUrl: (url) => url, resign: null });
  t.teardown(app.stop);
  const memory = app.engine.readMemory;
  const blocks = Array.from({ length: 30 }, () => memory.take());
  for (const block of blocks) memory.release(block);
  t.same(memory.counts(), { held: 0, kept: 24, made: 30 });
  app.trimMemory();
  t.equal(memory.counts().kept, 0, "and nothing when it is told so");
});
