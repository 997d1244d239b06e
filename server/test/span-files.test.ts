import fs from "node:fs";
import path from "node:path";
import t from "tap";
import { BufferPool } from "../edge/buffer-pool.ts";
import { dataFileName } from "../edge/cache-directory.ts";
import { SpanFiles } from "../edge/span-files.ts";
import { closeFiles, openFiles, readFile, removeFile, writeFile } from "./support/file-bench.ts";
import { cacheDirectory, fileCalls, patternBytes, until } from "./support/storage.ts";

t.test("bytes come back from where they were written, with a hole before them", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir);
  t.equal(files.size(7), -1);
  t.equal(await writeFile(files, 7, [patternBytes(7, 5_000, 10), patternBytes(7, 5_010, 90)], 5_000), null);
  t.equal(await writeFile(files, 7, [patternBytes(7, 9_000_000, 100)], 9_000_000), null);
  t.same(await readFile(files, 7, 5_000, 100), patternBytes(7, 5_000, 100));
  t.same(await readFile(files, 7, 9_000_050, 100), patternBytes(7, 9_000_050, 50), "short at the end of the file");
  t.equal(files.size(7), 9_000_100);
  const stat = fs.statSync(path.join(dataDir, dataFileName(7)));
  t.equal(stat.mode & 0o777, 0o600);
  t.ok(stat.blocks * 512 < 1_000_000, "the hole takes no room");
  t.equal(fs.statSync(path.join(dataDir, "07")).mode & 0o777, 0o700);
  await closeFiles(files);
});

t.test("a new id's file begins empty whatever lies there (R-DISK-4)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir({ data: { "05": { "0000000000000005": "old bytes of an old run" } } }));
  const files = openFiles(t, dataDir);
  t.equal(await writeFile(files, 5, [Buffer.from("new")], 10), null);
  t.same(await readFile(files, 5, 0, 100), Buffer.concat([Buffer.alloc(10), Buffer.from("new")]));
  await closeFiles(files);
});

t.test("a file that is gone is not made anew by a later write (R-DISK-4)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir, undefined, 1);
  t.equal(await writeFile(files, 1, [patternBytes(1, 0, 100)], 0), null);
  // The one descriptor goes to another file, so that the next write has to open the first one again.
  t.equal(await writeFile(files, 2, [patternBytes(2, 0, 100)], 0), null);
  fs.unlinkSync(path.join(dataDir, dataFileName(1)));
  t.equal((await writeFile(files, 1, [patternBytes(1, 200, 100)], 200))?.code, "ENOENT");
  t.equal(fs.existsSync(path.join(dataDir, dataFileName(1))), false);
  t.equal(await readFile(files, 1, 0, 100), "ENOENT");
  await closeFiles(files);
});

t.test("a file of an earlier run is written and read, never emptied", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir({ data: { "05": { "0000000000000005": "0123456789" } } }));
  const onError = (error: Error): void => {
    t.fail(error.message);
  };
  const files = new SpanFiles(dataDir, { openFilesMax: 2, firstNewId: 6, onError });
  t.equal(await writeFile(files, 5, [Buffer.from("ab")], 10), null);
  t.same(await readFile(files, 5, 0, 100), Buffer.from("0123456789ab"));
  t.equal((await writeFile(files, 4, [Buffer.from("ab")], 10))?.code, "ENOENT");
  await closeFiles(files);
});

t.test("descriptors never exceed the limit, and one in use is never closed (R-DISK-6)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  let open = 0;
  let openMost = 0;
  const busy = new Set<number>();
  const calls = fileCalls({
    open: (name, flags, mode, done) =>
      fs.open(name, flags, mode, (error, descriptor) => {
        if (error === null) open += 1;
        openMost = Math.max(openMost, open);
        done(error, descriptor);
      }),
    read: (descriptor, buffer, offset, length, position, done) => {
      busy.add(descriptor);
      fs.read(descriptor, buffer, offset, length, position, (error, bytes) => {
        busy.delete(descriptor);
        done(error, bytes);
      });
    },
    close: (descriptor, done) => {
      t.notOk(busy.has(descriptor), "closed while idle");
      open -= 1;
      fs.close(descriptor, (error) => done(error ?? null));
    },
  });
  const files = openFiles(t, dataDir, calls, 3);
  const ids = Array.from({ length: 20 }, (_, index) => index + 1);
  const written = await Promise.all(ids.map((id) => writeFile(files, id, [patternBytes(id, 0, 1_000)], 0)));
  t.ok(written.every((error) => error === null));
  const answers = await Promise.all([...ids, ...ids, ...ids].map((id) => readFile(files, id, 10, 100)));
  for (const [index, bytes] of answers.entries()) t.same(bytes, patternBytes((index % 20) + 1, 10, 100));
  t.equal(openMost, 3);
  t.same(files.counts(), { open: 3, waiting: 0 });
  await closeFiles(files);
  t.equal(open, 0);
});

t.test("a removed file is gone at once, and a read under way still gets its bytes (R-DISK-7)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const held: (() => void)[] = [];
  const calls = fileCalls({
    read: (descriptor, buffer, offset, length, position, done) => {
      held.push(() => fs.read(descriptor, buffer, offset, length, position, (error, bytes) => done(error, bytes)));
    },
  });
  const files = openFiles(t, dataDir, calls);
  t.equal(await writeFile(files, 9, [patternBytes(9, 0, 100)], 0), null);
  const reading = readFile(files, 9, 0, 100);
  await until(() => held.length === 1, "the read is under way");
  t.equal(await removeFile(files, 9), null);
  t.equal(fs.existsSync(path.join(dataDir, dataFileName(9))), false);
  t.equal(await readFile(files, 9, 0, 100), "ENOENT", "a new read finds nothing");
  held[0]?.();
  t.same(await reading, patternBytes(9, 0, 100));
  t.same(files.counts(), { open: 0, waiting: 0 });
  t.equal(await removeFile(files, 9), null, "removing what is not there is no error");
  await closeFiles(files);
});

t.test("a file removed while it is being created does not stay behind (R-DISK-7)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir);
  const [written, removed] = await Promise.all([
    writeFile(files, 4, [patternBytes(4, 0, 10)], 0),
    removeFile(files, 4),
  ]);
  t.equal(written, null);
  t.equal(removed, null);
  t.equal(fs.existsSync(path.join(dataDir, dataFileName(4))), false);
  await closeFiles(files);
  t.equal(files.counts().open, 0);
});

t.test("a write that comes while a reader's opening fails still creates the file", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  // The bytes wait for the read: once the file is open, it is chance which of the two the disk serves first.
  const held: (() => void)[] = [];
  const calls = fileCalls({
    writev: (descriptor, buffers, position, done) => {
      held.push(() => fs.writev(descriptor, buffers, position, (error, bytes) => done(error, bytes)));
    },
  });
  const files = openFiles(t, dataDir, calls);
  const reading = readFile(files, 4, 0, 10);
  const writing = writeFile(files, 4, [patternBytes(4, 0, 10)], 0);
  t.same(await reading, Buffer.alloc(0));
  held[0]?.();
  t.equal(await writing, null);
  t.same(await readFile(files, 4, 0, 10), patternBytes(4, 0, 10));
  await closeFiles(files);
});

t.test("closing waits for what is under way and refuses what comes later", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir, undefined, 1);
  t.equal(await writeFile(files, 1, [patternBytes(1, 0, 10)], 0), null);
  const reading = readFile(files, 1, 0, 10);
  const queued = writeFile(files, 2, [patternBytes(2, 0, 10)], 0);
  await closeFiles(files);
  t.same(await reading, patternBytes(1, 0, 10));
  t.equal((await queued)?.code, "EBADF", "it had no descriptor yet");
  t.equal(await readFile(files, 1, 0, 10), "EBADF");
  t.equal(files.counts().open, 0);
});

t.test("two writes at once to one file are a programmer's error", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir);
  t.equal(await writeFile(files, 1, [patternBytes(1, 0, 10)], 0), null);
  const first = writeFile(files, 1, [patternBytes(1, 10, 10)], 10);
  t.throws(() => files.write(1, [patternBytes(1, 20, 10)], 20, () => undefined), /one write in flight/);
  t.equal(await first, null);
});

t.test("pooled buffers are used again, bounded, and given back once (R-DISK-9)", async (t) => {
  const pool = new BufferPool(1_024, 2);
  const taken = [pool.take(), pool.take(), pool.take()];
  t.same(pool.counts(), { taken: 3, kept: 0, made: 3 });
  for (const buffer of taken) pool.give(buffer);
  t.same(pool.counts(), { taken: 0, kept: 2, made: 3 });
  const again = pool.take();
  t.ok(taken.includes(again));
  t.equal(again.length, 1_024);
  pool.give(again);
  t.throws(() => pool.give(again), /given back once/);
  t.throws(() => pool.give(Buffer.alloc(1_024)), /given back once/);
  pool.trim();
  t.same(pool.counts(), { taken: 0, kept: 0, made: 3 }, "none is kept on request");
});

t.test("bytes are read at once from a file that is open and warm, else not", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  // On a busy machine a read may take as long as one from a slow disk, after which there are none for a while.
  const files = openFiles(t, dataDir, fileCalls({ nowMs: () => 0 }), 1);
  const buffer = Buffer.alloc(100);
  t.equal(files.readNow(1, buffer, 0, 10), false, "not open");
  t.equal(await writeFile(files, 1, [patternBytes(1, 0, 100)], 0), null);
  t.equal(files.readNow(1, buffer, 50, 20), true, "just written");
  t.same(buffer.subarray(0, 20), patternBytes(1, 50, 20));
  t.equal(files.readNow(1, buffer, 90, 20), false, "not all there");
  t.equal(await writeFile(files, 2, [patternBytes(2, 0, 100)], 0), null);
  t.equal(files.readNow(1, buffer, 0, 10), false, "closed for the other");
  t.same(await readFile(files, 1, 0, 10), patternBytes(1, 0, 10));
  t.equal(files.readNow(1, buffer, 0, 10), false, "opened, and not known to be warm");
  t.equal(files.readNow(1, buffer, 0, 10), true, "read before");
  t.equal(await removeFile(files, 1), null);
  t.equal(files.readNow(1, buffer, 0, 10), false, "removed");
  await closeFiles(files);
});

t.test("after a slow read nothing is read at once for a while, and a failed one leaves it to the next", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  let nowMs = 0;
  let slowMs = 0;
  let broken = false;
  const calls = fileCalls({
    nowMs: () => nowMs,
    readSync: (descriptor, buffer, length, position) => {
      nowMs += slowMs;
      if (broken) throw new Error("EIO");
      return fs.readSync(descriptor, buffer, 0, length, position);
    },
  });
  const files = openFiles(t, dataDir, calls);
  const buffer = Buffer.alloc(100);
  t.equal(await writeFile(files, 1, [patternBytes(1, 0, 100)], 0), null);
  t.equal(files.readNow(1, buffer, 0, 10), true);
  slowMs = 2;
  t.equal(files.readNow(1, buffer, 0, 10), true, "slow, but there");
  slowMs = 0;
  t.equal(files.readNow(1, buffer, 0, 10), false, "the disk is slow");
  nowMs += 25;
  broken = true;
  t.equal(files.readNow(1, buffer, 0, 10), false, "broken");
  broken = false;
  t.equal(files.readNow(1, buffer, 0, 10), true, "all is well again");
  await closeFiles(files);
});
