/** A disk that is really full: one of a few blocks, mounted for the test and filled to the last. */
import { execFileSync, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import type { Failure } from "./support/file-bench.ts";
import { closeFiles, openFiles, readFile, writeFile } from "./support/file-bench.ts";
import { openIndex, storeEntry } from "./support/index-bench.ts";
import { cacheDirectory, patternBytes, plainEntry } from "./support/storage.ts";

/** Set when these tests were started anew in a namespace of their own, in which any user may mount. */
const namespaceVariable = "REELCACHE_TEST_NAMESPACE";
const enter = ["--map-root-user", "--mount"];

if (process.env[namespaceVariable] !== undefined || mounts("mount", [])) {
  testFiles();
  testIndex();
} else if (mounts("unshare", [...enter, "mount"])) {
  const args = [...enter, process.execPath, fileURLToPath(import.meta.url)];
  t.spawn("unshare", args, { env: { ...process.env, [namespaceVariable]: "1" } }, "in a namespace of its own");
} else {
  t.test("on this machine", async (t) => t.comment("left out: this user may not mount a disk in memory"));
}

function testFiles(): void {
  t.test("files say ENOSPC, and what was written before stays (R-DISK-10)", async (t) => {
    const dir = smallDisk(t, 262_144);
    const files = openFiles(t, dir);
    let end = 0;
    let failure: Failure = null;
    while (failure === null && end < 1_048_576) {
      failure = await writeFile(files, 1, [patternBytes(1, end, 30_000)], end);
      if (failure === null) end += 30_000;
    }
    t.equal(failure?.code, "ENOSPC");
    t.ok(end > 100_000);
    t.same(await readFile(files, 1, 0, end), patternBytes(1, 0, end));
    t.ok(files.freeBytes() < 30_000);
    await closeFiles(files);
  });
}

function testIndex(): void {
  t.test("the journal stops, not the caller, until there is room again (R-INDEX-12)", async (t) => {
    const dir = smallDisk(t, 524_288);
    const { dataDir } = cacheDirectory(dir);
    const { index, errors } = openIndex(dir);
    const before = storeEntry(index, dataDir, [0, 10]);
    index.flush();
    const ballast = path.join(dir, "ballast");
    t.throws(() => fs.writeFileSync(ballast, Buffer.alloc(524_288)), { code: "ENOSPC" });
    for (let put = 0; put < 500; put += 1) index.put(plainEntry(index.nextId(), { total: 0 }));
    index.flush();
    t.equal(index.health(), "degraded");
    t.match(errors[0], /^SQLITE_(FULL|IOERR)/);
    const waiting = index.counts().queued;
    t.ok(waiting > 0, `${waiting} rows wait`);
    fs.unlinkSync(ballast);
    index.flush();
    t.equal(index.health(), "ok");
    t.equal(index.counts().queued, 0);
    index.close();
    const second = openIndex(dir);
    t.equal(second.entries.length, 501, "nothing was lost");
    t.equal(second.entries[0]?.id, before);
    second.index.close();
  });
}

/** A folder with a file system in memory that has room for so many bytes, until the test ends. */
function smallDisk(t: Test, bytes: number): string {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "reelcache-full-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", dir], { stdio: "pipe" });
  t.teardown(() => {
    execFileSync("umount", ["--lazy", dir]);
    fs.rmdirSync(dir);
  });
  return dir;
}

/** Whether a command, to which what is to be mounted is added, mounts it; it is gone afterwards. */
function mounts(program: string, args: string[]): boolean {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), "reelcache-full-"));
  const { status } = spawnSync(program, [...args, "-t", "tmpfs", "tmpfs", dir]);
  // In a namespace it went with its program.
  if (status === 0 && program === "mount") execFileSync("umount", ["--lazy", dir]);
  fs.rmdirSync(dir);
  return status === 0;
}
