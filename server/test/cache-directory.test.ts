import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import process from "node:process";
import t from "tap";
import { dataFileId, dataFileName, defaultDirectory, prepareDirectory } from "../edge/cache-directory.ts";

t.test("an entry's file is named by its id, in a folder by the low byte (R-DISK-1)", async (t) => {
  t.equal(dataFileName(1), "01/0000000000000001");
  t.equal(dataFileName(0x1fffffffffffff), "ff/001fffffffffffff");
  t.equal(dataFileId("ff", "001fffffffffffff"), 0x1fffffffffffff);
  t.equal(dataFileId("00", "001fffffffffffff"), -1, "in the wrong folder");
  t.equal(dataFileId("ff", "00200000000000ff"), -1, "above 2^53");
  t.equal(dataFileId("01", "0000000000000001.tmp"), -1);
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
