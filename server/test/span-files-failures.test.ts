import fs from "node:fs";
import path from "node:path";
import t from "tap";
import { dataFileName } from "../edge/cache-directory.ts";
import { fileError } from "../edge/file-calls.ts";
import { SpanFiles } from "../edge/span-files.ts";
import type { Failure } from "./support/file-bench.ts";
import { closeFiles, openFiles, readFile, removeFile, writeFile } from "./support/file-bench.ts";
import { cacheDirectory, fileCalls, patternBytes } from "./support/storage.ts";

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
  t.equal(await writeFile(files, 3, parts, 50), null);
  t.same(await readFile(files, 3, 50, 100), patternBytes(3, 50, 50));
  t.equal(calls, 8);
  await closeFiles(files);
});

t.test("a write that makes no progress fails instead of looping (R-DISK-5)", async (t) => {
  const { dataDir } = cacheDirectory(t.testdir());
  const files = openFiles(
    t,
    dataDir,
    fileCalls({ writev: (_descriptor, _buffers, _position, done) => setImmediate(done, null, 0) }),
  );
  t.equal((await writeFile(files, 3, [Buffer.from("x")], 0))?.code, "EIO");
  await closeFiles(files);
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
    t.equal((await writeFile(files, 1, [patternBytes(1, 0, 100)], 0))?.code, code);
    broken = "";
    t.equal(await writeFile(files, 1, [patternBytes(1, 0, 100)], 0), null);
    broken = code;
    t.equal((await writeFile(files, 1, [patternBytes(1, 100, 100)], 100))?.code, code);
    t.equal(await readFile(files, 1, 0, 100), code);
    broken = "";
    t.same(await readFile(files, 1, 0, 100), patternBytes(1, 0, 100));
    t.equal(await removeFile(files, 1), null);
  }
  t.same(files.counts(), { open: 0, waiting: 0 });
  await closeFiles(files);
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
  const written = await Promise.all(ids.map((id) => writeFile(files, id, [patternBytes(id, 0, 100)], 0)));
  t.ok(written.every((error) => error === null));
  t.ok(told > 0);
  await closeFiles(files);
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
  t.equal(await writeFile(files, 1, [patternBytes(1, 0, 10)], 0), null);
  t.equal(await sync(1), null);
  t.same(synced, [path.join(dataDir, dataFileName(1))]);
  broken = true;
  t.equal((await sync(1))?.code, "EIO");
  await closeFiles(files);
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
