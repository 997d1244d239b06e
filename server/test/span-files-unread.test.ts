/** Files that are written and not read: few descriptors, whatever comes at once, and nobody else waits for them. */
import t from "tap";
import { realFileCalls } from "../edge/file-calls.ts";
import { SpanFiles } from "../edge/span-files.ts";
import { closeFiles, readFile, writeFile } from "./support/file-bench.ts";
import { cacheDirectory, fileCalls, patternBytes, until } from "./support/storage.ts";
import { bench, bodyFault, libraryTest, segment, serve } from "./support/wire-bench.ts";

t.test("files that nobody read take few descriptors, those being closed among them", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  let open = 0;
  let openMost = 0;
  const calls = fileCalls({
    open: (name, flags, mode, done) => {
      open += 1;
      openMost = Math.max(openMost, open);
      realFileCalls.open(name, flags, mode, (error, descriptor) => {
        if (error !== null) open -= 1;
        done(error, descriptor);
      });
    },
    close: (descriptor, done) =>
      realFileCalls.close(descriptor, (error) => {
        open -= 1;
        done(error);
      }),
  });
  const files = new SpanFiles(dataDir, { openFilesMax: 10, unreadFilesMax: 3, firstNewId: 1, onError: t.fail, calls });
  const ids = Array.from({ length: 20 }, (_, index) => index + 1);
  const one = async (id: number): Promise<void> => {
    t.equal(await writeFile(files, id, [patternBytes(id, 0, 1_000)], 0), null);
    t.equal(await new Promise((resolve) => files.sync(id, resolve)), null);
  };
  await Promise.all(ids.map(one));
  t.equal(openMost, 3);
  for (const id of ids) t.same(await readFile(files, id, 10, 100), patternBytes(id, 10, 100));
  t.equal(files.counts().open, 10, "those that are read stay open");
  await until(() => open === 10, "the files that were read and gave way to be closed");
  openMost = 0;
  await Promise.all(ids.map((id) => one(id + 20)));
  t.ok(openMost <= 13, `${openMost}: three more at most, while others are being closed`);
  await closeFiles(files);
  t.equal(open, 0);
});

t.test("who reads does not wait behind those who write", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const held: (() => void)[] = [];
  let holds = false;
  const calls = fileCalls({
    writev: (descriptor, buffers, position, done) => {
      const write = (): void => realFileCalls.writev(descriptor, buffers, position, done);
      if (holds) held.push(write);
      else write();
    },
  });
  const files = new SpanFiles(dataDir, { openFilesMax: 10, unreadFilesMax: 2, firstNewId: 1, onError: t.fail, calls });
  for (const id of [1, 2, 3]) t.equal(await writeFile(files, id, [patternBytes(id, 0, 100)], 0), null);
  holds = true;
  const writes = [4, 5, 6, 7].map((id) => writeFile(files, id, [patternBytes(id, 0, 100)], 0));
  await until(() => held.length === 2, "two writes to be under way");
  t.equal(files.counts().waiting, 2, "the others have no descriptor yet");
  t.same(await readFile(files, 1, 0, 100), patternBytes(1, 0, 100));
  const readAndWritten = writeFile(files, 1, [patternBytes(1, 100, 100)], 100);
  await until(() => held.length === 3, "a file that is read is written without a wait");
  holds = false;
  for (const write of held) write();
  t.same(await Promise.all([...writes, readAndWritten]), [null, null, null, null, null]);
  for (const id of [4, 5, 6, 7]) t.same(await readFile(files, id, 0, 100), patternBytes(id, 0, 100));
  await closeFiles(files);
});

libraryTest("a slot is held until the disk has caught up, and the players do not wait for it", async (t) => {
  let holds = true;
  /** Writes under way by descriptor; those of a descriptor in `free` are carried out. */
  const held = new Map<number, (() => void)[]>();
  const free = new Set<number>();
  let opened = 0;
  const { writev, open } = realFileCalls;
  realFileCalls.writev = (descriptor, buffers, position, done) => {
    const write = (): void => writev(descriptor, buffers, position, done);
    if (!holds || free.has(descriptor)) write();
    else held.set(descriptor, [...(held.get(descriptor) ?? []), write]);
  };
  realFileCalls.open = (name, flags, mode, done) =>
    open(name, flags, mode, (error, descriptor) => {
      if (error === null) opened += 1;
      // The number of one that was closed may come again.
      free.delete(descriptor);
      done(error, descriptor);
    });
  t.teardown(() => Object.assign(realFileCalls, { writev, open }));
  const release = (descriptor: number): void => {
    free.add(descriptor);
    for (const write of held.get(descriptor)?.splice(0) ?? []) write();
  };
  const body = (path: string) => segment(50_000, Number(/\d+/.exec(path)?.[0]));
  const on = await bench(t, (request, connection) => serve(connection, request, body(request.target)), {
    limits: { slotsMax: 2, extraSlotsMax: 0, queueWaitMs: 120_000 },
  });
  const play = async (at: number): Promise<void> => {
    t.equal(bodyFault((await on.ask(`/${at}.ts`)).body, body(`/${at}.ts`).body), "");
  };
  // Played to their ends, although nothing is written.
  await Promise.all([play(1), play(2)]);
  await on.origin.until(() => held.size === 2, "both to be written");
  const waiting = [play(3), play(4)];
  await on.origin.until(() => on.server.stats().lanes.waiting.regular === 2, "two more to wait for a slot");
  t.equal(on.server.stats().lanes.running.regular, 2);
  t.equal(on.origin.requests.length, 2, "nothing more is fetched than the disk may owe");
  t.equal(opened, 2, "a descriptor for each slot");
  const [first = -1] = held.keys();
  release(first);
  await on.origin.until(() => on.origin.requests.length === 3, "the next to be asked for");
  t.equal(on.server.stats().lanes.waiting.regular, 1, "one slot came free");
  holds = false;
  for (const descriptor of held.keys()) release(descriptor);
  await on.origin.until(() => on.origin.requests.length === 4, "the last to be asked for");
  await Promise.all(waiting);
});
