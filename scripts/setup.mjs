/**
 * Installs what is missing, on any Node from 20 and any npm, and says nothing when nothing is missing.
 * Node 24 itself is a package here, so that a machine with an older Node runs TypeScript all the same.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules", ".bin");

/** The environment for children: the installed tools first on the path. */
export function toolEnvironment() {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };
}

/** Makes the installation match package-lock.json; returns the path of Node 24. Ends the process when it cannot. */
export function setup() {
  const major = majorOf(process.version);
  if (major < 20) {
    fail(`Node 20 or newer is needed to begin; this is ${process.version}.`);
  }
  if (!isInstalled()) {
    install();
  }
  const node = usableNode();
  if (node === "") {
    // The package `node` fetches its binary by an install script.
    run("Fetching Node 24", ["rebuild", "node", "--ignore-scripts=false"]);
  }
  const fetched = node === "" ? usableNode() : node;
  if (fetched === "") {
    fail(`Node 24 could not be fetched for ${process.platform} ${process.arch}. Install Node 24 and try again.`);
  }
  return fetched;
}

/** True when every package of the lock file stands in node_modules in its version; optional ones may be absent. */
function isInstalled() {
  const wanted = readPackages(join(root, "package-lock.json"));
  const present = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (wanted === null) {
    fail("package-lock.json is missing or not JSON.");
  }
  if (present === null) {
    return false;
  }
  return Object.entries(wanted).every(([path, entry]) => {
    const found = present[path];
    return path === "" || (found === undefined ? entry.optional === true : sameVersion(entry, found));
  });
}

function sameVersion(wanted, found) {
  return wanted.version === found.version && wanted.integrity === found.integrity;
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return null;
  }
}

/** No install scripts: better-sqlite3 carries prebuilt binaries, and its script would call for a compiler. */
function install() {
  run("Installing packages, once; this takes about half a minute", ["ci", "--ignore-scripts"]);
}

function run(title, args) {
  writeSync(2, `${title} …\n`);
  const quiet = ["--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier"];
  const result = spawnSync("npm", [...args, ...quiet], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
    stdio: ["ignore", "ignore", "pipe"],
  });
  if (result.error !== undefined) {
    fail(`npm cannot be run (${result.error.message}). Install npm, which comes with Node.`);
  }
  if (result.status !== 0) {
    writeSync(2, result.stderr);
    const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET/.test(result.stderr);
    const cause = offline
      ? "The package registry cannot be reached: is the machine online?"
      : "npm's own words are above.";
    fail(`\`npm ${args.join(" ")}\` failed. ${cause}`);
  }
}

/** Node 24 from the packages, else the Node that runs this when it is new enough, else "". */
function usableNode() {
  const installed = join(root, "node_modules", "node", "bin", process.platform === "win32" ? "node.exe" : "node");
  if (existsSync(installed)) {
    const result = spawnSync(installed, ["--version"], { encoding: "utf8" });
    if (result.status === 0 && majorOf(result.stdout) >= 24) {
      return installed;
    }
  }
  return majorOf(process.version) >= 24 ? process.execPath : "";
}

function majorOf(version) {
  return Number(version.trim().replace(/^v/, "").split(".")[0]);
}

function fail(message) {
  writeSync(2, `reelcache: ${message}\n`);
  process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  setup();
}
