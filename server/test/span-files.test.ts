import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import process from "node:process";
import t from "tap";
import { BufferPool } from "../edge/buffer-pool.ts";
import { dataFileId, dataFileName, defaultDirectory, prepareDirectory } from "../edge/cache-directory.ts";
import type { FileCalls } from "../edge/file-calls.ts";
import { fileError } from "../edge/file-calls.ts";
import { SpanFiles } from "../edge/span-files.ts";
import { cacheDirectory, fileCalls, patternBytes, until } from "./support/storage.ts";

type Failure = NodeJS.ErrnoException | null;

/** Data files of a test; whatever no callback carries fails the test. */
function openFiles(
  test: { fail(message: string): unknown },
  dataDir: string,
  calls?: FileCalls,
  openFilesMax = 4,
): SpanFiles {
  const onError = (error: Error): void => {
    test.fail(`onError: ${error.message}`);
  };
  const options = { openFilesMax, firstNewId: 1, onError };
  return new SpanFiles(dataDir, calls === undefined ? options : { ...options, calls });
}

function write(files: SpanFiles, id: number, buffers: Buffer[], position: number): Promise<Failure> {
  return new Promise((resolve) => files.write(id, buffers, position, resolve));
}

function read(files: SpanFiles, id: number, position: number, length: number): Promise<Buffer | string> {
  const buffer = Buffer.alloc(length);
  return new Promise((resolve) => {
    files.read(id, buffer, position, length, (error, bytes) =>
      resolve(error === null ? buffer.subarray(0, bytes) : (error.code ?? "")),
    );
  });
}

function remove(files: SpanFiles, id: number): Promise<Failure> {
  return new Promise((resolve) => files.remove(id, resolve));
}

function closeAll(files: SpanFiles): Promise<void> {
  return new Promise((resolve) => files.closeAll(resolve));
}

t.test("an entry's file is named by its id, in a folder by the low byte (R-DISK-1)", async (t) => {
  t.equal(dataFileName(1), "01/0000000000000001");
  t.equal(dataFileName(0x1fffffffffffff), "ff/001fffffffffffff");
  t.equal(dataFileId("ff", "001fffffffffffff"), 0x1fffffffffffff);
  t.equal(dataFileId("00", "001fffffffffffff"), -1, "in the wrong folder");
  t.equal(dataFileId("ff", "00200000000000ff"), -1, "above 2^53");
  t.equal(dataFileId("01", "0000000000000001.tmp"), -1);
});

t.test("bytes come back from where they were written, with a hole before them", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir);
  t.equal(files.size(7), -1);
  t.equal(await write(files, 7, [patternBytes(7, 5_000, 10), patternBytes(7, 5_010, 90)], 5_000), null);
  t.equal(await write(files, 7, [patternBytes(7, 9_000_000, 100)], 9_000_000), null);
  t.same(await read(files, 7, 5_000, 100), patternBytes(7, 5_000, 100));
  t.same(await read(files, 7, 9_000_050, 100), patternBytes(7, 9_000_050, 50), "short at the end of the file");
  t.equal(files.size(7), 9_000_100);
  const stat = fs.statSync(path.join(dataDir, dataFileName(7)));
  t.equal(stat.mode & 0o777, 0o600);
  t.ok(stat.blocks * 512 < 1_000_000, "the hole takes no room");
  t.equal(fs.statSync(path.join(dataDir, "07")).mode & 0o777, 0o700);
  await closeAll(files);
});

t.test("a new id's file begins empty whatever lies there (R-DISK-4)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir({ data: { "05": { "0000000000000005": "old bytes of an old run" } } }));
  const files = openFiles(t, dataDir);
  t.equal(await write(files, 5, [Buffer.from("new")], 10), null);
  t.same(await read(files, 5, 0, 100), Buffer.concat([Buffer.alloc(10), Buffer.from("new")]));
  await closeAll(files);
});

t.test("a file that is gone is not made anew by a later write (R-DISK-4)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir, undefined, 1);
  t.equal(await write(files, 1, [patternBytes(1, 0, 100)], 0), null);
  // The one descriptor goes to another file, so that the next write has to open the first one again.
  t.equal(await write(files, 2, [patternBytes(2, 0, 100)], 0), null);
  fs.unlinkSync(path.join(dataDir, dataFileName(1)));
  t.equal((await write(files, 1, [patternBytes(1, 200, 100)], 200))?.code, "ENOENT");
  t.equal(fs.existsSync(path.join(dataDir, dataFileName(1))), false);
  t.equal(await read(files, 1, 0, 100), "ENOENT");
  await closeAll(files);
});

t.test("a file of an earlier run is written and read, never emptied", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir({ data: { "05": { "0000000000000005": "0123456789" } } }));
  const onError = (error: Error): void => {
    t.fail(error.message);
  };
  const files = new SpanFiles(dataDir, { openFilesMax: 2, firstNewId: 6, onError });
  t.equal(await write(files, 5, [Buffer.from("ab")], 10), null);
  t.same(await read(files, 5, 0, 100), Buffer.from("0123456789ab"));
  t.equal((await write(files, 4, [Buffer.from("ab")], 10))?.code, "ENOENT");
  await closeAll(files);
});

t.test("a short write goes on until all bytes are in the file (R-DISK-5)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  let calls = 0;
  const files = openFiles(
    t,
    dataDir,
    fileCalls({
      writev: (descriptor, buffers, position, done) => {
        calls += 1;
        const first = buffers[0] ?? Buffer.alloc(0);
        fs.write(descriptor, first, 0, Math.min(7, first.length), position, (error, bytes) => done(error, bytes));
      },
    }),
  );
  const parts = [patternBytes(3, 50, 20), Buffer.alloc(0), patternBytes(3, 70, 3), patternBytes(3, 73, 27)];
  t.equal(await write(files, 3, parts, 50), null);
  t.same(await read(files, 3, 50, 100), patternBytes(3, 50, 50));
  t.equal(calls, 8);
  await closeAll(files);
});

t.test("a write that makes no progress fails instead of looping (R-DISK-5)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(
    t,
    dataDir,
    fileCalls({ writev: (_descriptor, _buffers, _position, done) => setImmediate(done, null, 0) }),
  );
  t.equal((await write(files, 3, [Buffer.from("x")], 0))?.code, "EIO");
  await closeAll(files);
});

t.test("a full or broken disk is the callback's error, and the file works again afterwards (R-DISK-10)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  let broken = "";
  const files = openFiles(
    t,
    dataDir,
    fileCalls({
      open: (name, flags, mode, done) => {
        if (broken !== "") setImmediate(done, fileError(broken, "injected"), -1);
        else fs.open(name, flags, mode, (error, descriptor) => done(error, descriptor));
      },
      writev: (descriptor, buffers, position, done) => {
        if (broken !== "") setImmediate(done, fileError(broken, "injected"), 0);
        else fs.writev(descriptor, buffers, position, (error, bytes) => done(error, bytes));
      },
      read: (descriptor, buffer, offset, length, position, done) => {
        if (broken !== "") setImmediate(done, fileError(broken, "injected"), 0);
        else fs.read(descriptor, buffer, offset, length, position, (error, bytes) => done(error, bytes));
      },
    }),
  );
  for (const code of ["ENOSPC", "EDQUOT", "EIO"]) {
    broken = code;
    t.equal((await write(files, 1, [patternBytes(1, 0, 100)], 0))?.code, code);
    broken = "";
    t.equal(await write(files, 1, [patternBytes(1, 0, 100)], 0), null);
    broken = code;
    t.equal((await write(files, 1, [patternBytes(1, 100, 100)], 100))?.code, code);
    t.equal(await read(files, 1, 0, 100), code);
    broken = "";
    t.same(await read(files, 1, 0, 100), patternBytes(1, 0, 100));
    t.equal(await remove(files, 1), null);
  }
  t.same(files.counts(), { open: 0, waiting: 0 });
  await closeAll(files);
});

t.test("a disk that is really full says ENOSPC, and what was written before stays (R-DISK-10)", async (t) => {
  const mount = fs.mkdtempSync(path.join(os.tmpdir(), "reelcache-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", mount], { stdio: "pipe" });
  } catch {
    fs.rmdirSync(mount);
    t.comment("this user may not mount a tmpfs: the injected full disk above is the proof");
    return;
  }
  t.teardown(() => {
    execFileSync("umount", ["--lazy", mount]);
    fs.rmdirSync(mount);
  });
  const files = openFiles(t, mount);
  let end = 0;
  let failure: Failure = null;
  while (failure === null && end < 1_048_576) {
    failure = await write(files, 1, [patternBytes(1, end, 30_000)], end);
    if (failure === null) end += 30_000;
  }
  t.equal(failure?.code, "ENOSPC");
  t.ok(end > 100_000);
  t.same(await read(files, 1, 0, end), patternBytes(1, 0, end));
  t.ok(files.freeBytes() < 30_000);
  await closeAll(files);
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
  const written = await Promise.all(ids.map((id) => write(files, id, [patternBytes(id, 0, 1_000)], 0)));
  t.ok(written.every((error) => error === null));
  const answers = await Promise.all([...ids, ...ids, ...ids].map((id) => read(files, id, 10, 100)));
  for (const [index, bytes] of answers.entries()) t.same(bytes, patternBytes((index % 20) + 1, 10, 100));
  t.equal(openMost, 3);
  t.same(files.counts(), { open: 3, waiting: 0 });
  await closeAll(files);
  t.equal(open, 0);
});

t.test("with fewer descriptors than hoped for, files wait instead of failing (R-DISK-8)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  let open = 0;
  let told = 0;
  const calls = fileCalls({
    open: (name, flags, mode, done) => {
      if (open >= 2) {
        setImmediate(done, fileError("EMFILE", "injected"), -1);
        return;
      }
      open += 1;
      fs.open(name, flags, mode, (error, descriptor) => {
        if (error !== null) open -= 1;
        done(error, descriptor);
      });
    },
    close: (descriptor, done) =>
      fs.close(descriptor, (error) => {
        open -= 1;
        done(error ?? null);
      }),
  });
  const onError = (): void => {
    told += 1;
  };
  const files = new SpanFiles(dataDir, { openFilesMax: 50, firstNewId: 1, onError, calls });
  const ids = Array.from({ length: 12 }, (_, index) => index + 1);
  const written = await Promise.all(ids.map((id) => write(files, id, [patternBytes(id, 0, 100)], 0)));
  t.ok(written.every((error) => error === null));
  t.ok(told > 0);
  await closeAll(files);
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
  t.equal(await write(files, 9, [patternBytes(9, 0, 100)], 0), null);
  const reading = read(files, 9, 0, 100);
  await until(() => held.length === 1, "the read is under way");
  t.equal(await remove(files, 9), null);
  t.equal(fs.existsSync(path.join(dataDir, dataFileName(9))), false);
  t.equal(await read(files, 9, 0, 100), "ENOENT", "a new read finds nothing");
  held[0]?.();
  t.same(await reading, patternBytes(9, 0, 100));
  t.same(files.counts(), { open: 0, waiting: 0 });
  t.equal(await remove(files, 9), null, "removing what is not there is no error");
  await closeAll(files);
});

t.test("a file removed while it is being created does not stay behind (R-DISK-7)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir);
  const [written, removed] = await Promise.all([write(files, 4, [patternBytes(4, 0, 10)], 0), remove(files, 4)]);
  t.equal(written, null);
  t.equal(removed, null);
  t.equal(fs.existsSync(path.join(dataDir, dataFileName(4))), false);
  await closeAll(files);
  t.equal(files.counts().open, 0);
});

t.test("a write that comes while a reader's opening fails still creates the file", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir);
  const [bytes, written] = await Promise.all([read(files, 4, 0, 10), write(files, 4, [patternBytes(4, 0, 10)], 0)]);
  t.same(bytes, Buffer.alloc(0));
  t.equal(written, null);
  t.same(await read(files, 4, 0, 10), patternBytes(4, 0, 10));
  await closeAll(files);
});

t.test("closing waits for what is under way and refuses what comes later", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir, undefined, 1);
  t.equal(await write(files, 1, [patternBytes(1, 0, 10)], 0), null);
  const reading = read(files, 1, 0, 10);
  const queued = write(files, 2, [patternBytes(2, 0, 10)], 0);
  await closeAll(files);
  t.same(await reading, patternBytes(1, 0, 10));
  t.equal((await queued)?.code, "EBADF", "it had no descriptor yet");
  t.equal(await read(files, 1, 0, 10), "EBADF");
  t.equal(files.counts().open, 0);
});

t.test("sync goes to the disk for the file that was written, and passes its failure on", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const synced: string[] = [];
  let broken = false;
  const calls = fileCalls({
    fdatasync: (descriptor, done) => {
      synced.push(fs.readlinkSync(`/proc/self/fd/${descriptor}`));
      if (broken) setImmediate(done, fileError("EIO", "injected"));
      else fs.fdatasync(descriptor, (error) => done(error));
    },
  });
  const files = openFiles(t, dataDir, calls);
  const sync = (id: number): Promise<Failure> => new Promise((resolve) => files.sync(id, resolve));
  t.equal(await write(files, 1, [patternBytes(1, 0, 10)], 0), null);
  t.equal(await sync(1), null);
  t.same(synced, [path.join(dataDir, dataFileName(1))]);
  broken = true;
  t.equal((await sync(1))?.code, "EIO");
  await closeAll(files);
});

t.test("two writes at once to one file are a programmer's error", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(t, dataDir);
  t.equal(await write(files, 1, [patternBytes(1, 0, 10)], 0), null);
  const first = write(files, 1, [patternBytes(1, 10, 10)], 10);
  t.throws(() => files.write(1, [patternBytes(1, 20, 10)], 20, () => undefined), /one write in flight/);
  t.equal(await first, null);
});

t.test("free space is asked for at most once a second, and -1 when it cannot be told", async (t) => {
  let asked = 0;
  let nowMs = 0;
  const errors: Error[] = [];
  const calls = fileCalls({
    nowMs: () => nowMs,
    freeBytesSync: () => {
      asked += 1;
      if (asked === 3) throw fileError("EIO", "injected");
      return asked * 1_000;
    },
  });
  const onError = (error: Error): void => {
    errors.push(error);
  };
  const files = new SpanFiles(t.testdir(), { openFilesMax: 1, firstNewId: 1, onError, calls });
  t.equal(files.freeBytes(), 1_000);
  nowMs = 999;
  t.equal(files.freeBytes(), 1_000);
  nowMs = 1_000;
  t.equal(files.freeBytes(), 2_000);
  nowMs = 2_000;
  t.equal(files.freeBytes(), -1);
  t.equal(errors.length, 1);
  t.ok(openFiles(t, t.testdirName).freeBytes() > 0, "the real disk");
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
});

t.test("a prepared directory is private, and a second holder is refused by name (R-DISK-2)", async (t) => {
  const dir = path.join(t.testdir(), "deep", "cache");
  const held = prepareDirectory(dir);
  if (!held.ok) throw new Error(held.message);
  t.equal(held.dataDir, path.join(dir, "data"));
  t.equal(fs.statSync(dir).mode & 0o777, 0o700);
  t.equal(fs.statSync(path.join(dir, "lock")).mode & 0o777, 0o600);
  const second = prepareDirectory(dir);
  t.match(second, { ok: false, message: new RegExp(`${dir} is in use by process ${process.pid}\\.`) });
  const module = path.resolve(import.meta.dirname, "../edge/cache-directory.ts");
  const script = `import { prepareDirectory } from ${JSON.stringify(module)};
    const held = prepareDirectory(${JSON.stringify(dir)});
    console.log(held.ok ? "got it" : held.message);`;
  const other = (): string =>
    execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" }).trim();
  t.match(other(), `in use by process ${process.pid}`);
  held.release();
  held.release();
  t.equal(other(), "got it", "its own lock ended with that process");
  const again = prepareDirectory(dir);
  t.equal(again.ok, true);
  if (again.ok) again.release();
});

t.test("an unusable directory is refused with what, where and what to do", async (t) => {
  const dir = t.testdir({ file: "text" });
  const message = (name: string): string => {
    const result = prepareDirectory(name);
    return result.ok ? "prepared" : result.message;
  };
  t.match(message(path.join(dir, "file")), /file is, or lies below, a file\. Move that file away/);
  t.match(message(path.join(dir, "file", "below")), /is, or lies below, a file/);
  fs.mkdirSync(path.join(dir, "garbled"));
  fs.writeFileSync(path.join(dir, "garbled", "lock"), "not a database at all ".repeat(100));
  t.match(message(path.join(dir, "garbled")), /cannot be locked .* Delete its file "lock"/);
  t.match(message("/proc/reelcache"), /\/proc\/reelcache cannot be /);
});

t.test("the default directory follows XDG_CACHE_HOME when it is absolute (R-DISK-3)", async (t) => {
  t.equal(defaultDirectory({ XDG_CACHE_HOME: "/var/c" }, "/home/a"), "/var/c/reelcache");
  t.equal(defaultDirectory({ XDG_CACHE_HOME: "rel" }, "/home/a"), "/home/a/.cache/reelcache");
  t.equal(defaultDirectory({}, "/home/a"), "/home/a/.cache/reelcache");
});
