/**
 * The Swift toolchain: the machine's own when there is one, else, on Debian, one unpacked into a private, cached folder.
 * Nothing of the system is touched: packages are downloaded with an apt state of our own and unpacked, not installed.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The release of Debian whose Swift is taken, whatever the machine's own release is. */
const suite = "trixie";

/** `base-files` brings the links (/lib to /usr/lib) that the others unpack through. */
const packages = [
  "base-files",
  "swiftlang",
  "libc6-dev",
  "libstdc++-14-dev",
  "libsqlite3-dev",
  "libssl-dev",
  "zlib1g-dev",
  "libbrotli-dev",
];

/** Headers that the package needs on Linux beside Swift, and their Debian packages. */
const headers = {
  "sqlite3.h": "libsqlite3-dev",
  "openssl/ssl.h": "libssl-dev",
  "zlib.h": "zlib1g-dev",
  "brotli/decode.h": "libbrotli-dev",
};

/** The folder of the private toolchain; the list of packages is a part of its name, so that a change makes a new one. */
const cacheFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "reelcache");
const privateRoot = join(cacheFolder, `swift-${suite}-${packages.length}`);
const complete = join(privateRoot, ".complete");

export class ToolchainError extends Error {}

/**
 * The toolchain: `{ kind: "system", root: "" }` or `{ kind: "private", root }`, made when missing. `say` is told before
 * anything slow. Throws a ToolchainError that says what to install.
 */
export function findToolchain(say) {
  if (systemSwift()) {
    checkHeaders();
    return { kind: "system", root: "" };
  }
  if (process.platform !== "linux") {
    throw new ToolchainError("Swift 6 is needed: install Xcode 16 or newer, or a toolchain from swift.org.");
  }
  if (!existsSync(complete)) {
    provide(say);
  }
  checkNamespaces();
  return { kind: "private", root: privateRoot };
}

/** What there is, without fetching anything: `{ found, says, todo }` in words. */
export function lookForToolchain() {
  try {
    if (systemSwift()) {
      checkHeaders();
      return { found: true, says: "the machine's own", todo: "" };
    }
    if (existsSync(complete)) {
      checkNamespaces();
      return { found: true, says: `Debian's, in ${privateRoot}`, todo: "" };
    }
    const todo =
      process.platform === "linux"
        ? "On Debian `npm run swift -- --where` fetches it (3 GB); elsewhere install Swift 6 from swift.org."
        : "Install Xcode 16 or newer, or a toolchain from swift.org.";
    return { found: false, says: "there is no Swift 6", todo };
  } catch (error) {
    if (!(error instanceof ToolchainError)) throw error;
    return { found: false, says: "what is there cannot be used", todo: error.message };
  }
}

/**
 * The command line that runs `swift` with arguments: program and arguments for spawn. It sees the checkout `folder` and
 * works in `workFolder`, wherever spawn is called.
 */
export function swiftCommand(toolchain, folder, workFolder, args) {
  if (toolchain.kind === "system") {
    return { program: "swift", args, env: process.env };
  }
  const shared = [...new Set([folder, cacheFolder, "/tmp", "/proc", "/dev", "/sys"])];
  const enter = [
    "set -eu",
    'root="$1"; shift; work="$1"; shift',
    // A mount of the folder that holds the root would hide what is mounted below it: the wider ones come first.
    ...shared.sort().map((path) => `mkdir -p "$root${path}"; mount --rbind "${path}" "$root${path}"`),
    'exec unshare --root="$root" --wd="$work" "$@"',
  ].join("\n");
  // Without privilege the mounts need a user namespace, in which this user is root.
  const namespaces = process.getuid() === 0 ? ["--mount"] : ["--mount", "--map-root-user"];
  return {
    program: "unshare",
    args: [...namespaces, "sh", "-c", enter, "sh", toolchain.root, workFolder, "swift", ...args],
    env: {
      ...process.env,
      PATH: `/usr/libexec/swift/bin:/usr/bin:/bin:${process.env.PATH}`,
      HOME: join(cacheFolder, "home"),
    },
  };
}

/** Nothing that swift or a test has under way is as old, in milliseconds. */
const temporaryMs = 3_600_000;

/**
 * What swift takes for its temporary files: the compiler leaves a folder behind with each module, and whatever is killed
 * leaves its own. Here they are found again and removed. One folder for all runs, since the locks that keep two builds of
 * one folder apart stand there too.
 */
export function temporaryFolder() {
  const folder = join(cacheFolder, "tmp");
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder).filter((entry) => !entry.endsWith(".lock"))) {
    const path = join(folder, name);
    const { mtimeMs } = lstatSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Number.POSITIVE_INFINITY };
    if (mtimeMs < Date.now() - temporaryMs) rmSync(path, { recursive: true, force: true });
  }
  return folder;
}

/** Flags with which what is linked runs outside of the private folder as well. */
export function linkFlags(toolchain) {
  if (toolchain.kind === "system") {
    return [];
  }
  const triple = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  const loader =
    process.arch === "arm64" ? "usr/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1" : "usr/lib64/ld-linux-x86-64.so.2";
  const flags = [
    `--dynamic-linker=${join(toolchain.root, loader)}`,
    // The older tag also counts for the libraries that a library needs.
    "--disable-new-dtags",
    `-rpath=${join(toolchain.root, "usr/libexec/swift/lib/swift/linux")}`,
    `-rpath=${join(toolchain.root, "usr/lib", triple)}`,
    // Loaded first, and from there: a library with a path of its own would find the machine's older one.
    "--no-as-needed",
    "-lstdc++",
  ];
  return flags.flatMap((flag) => ["-Xlinker", flag]);
}

function systemSwift() {
  const result = spawnSync("swift", ["--version"], { encoding: "utf8" });
  const major = /Swift version ([0-9]+)/.exec(result.stdout ?? "");
  return result.status === 0 && major !== null && Number(major[1]) >= 6;
}

function checkHeaders() {
  if (process.platform !== "linux") {
    return;
  }
  const missing = Object.entries(headers).filter(
    ([header]) => !existsSync(join("/usr/include", header)) && !findHeader(header),
  );
  if (missing.length > 0) {
    const names = missing.map(([, name]) => name).join(" ");
    throw new ToolchainError(`The Swift twin needs headers on Linux. Debian and Ubuntu: apt-get install -y ${names}`);
  }
}

/** Debian keeps some headers in a folder of the machine's architecture. */
function findHeader(header) {
  const triple = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";
  return existsSync(join("/usr/include", triple, header));
}

function checkNamespaces() {
  const args = process.getuid() === 0 ? ["--mount", "true"] : ["--mount", "--map-root-user", "true"];
  const result = spawnSync("unshare", args, { encoding: "utf8" });
  if (result.status !== 0) {
    throw new ToolchainError(
      `The private Swift toolchain runs in a mount namespace, which this user may not make (${words(result)}). ` +
        "Run as root, allow unprivileged user namespaces, or install Swift 6 from swift.org.",
    );
  }
}

function provide(say) {
  const missing = ["apt-get", "dpkg", "dpkg-deb", "unshare"].filter((program) => !isProgram(program));
  if (missing.length > 0) {
    throw new ToolchainError(
      `There is no Swift 6 here, and none can be fetched: that takes Debian's ${missing.join(", ")}. ` +
        "Install Swift 6 from swift.org.",
    );
  }
  say(`Fetching Swift from Debian ${suite} into ${privateRoot}, once; this takes about a minute and 3 GB`);
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, "making-"));
  try {
    const debs = download(join(work, "apt"));
    const made = join(work, "root");
    mkdirSync(made);
    for (const deb of debs) {
      run("dpkg-deb", ["-x", deb, made], {}, `${deb} cannot be unpacked`);
    }
    mkdirSync(join(cacheFolder, "home"), { recursive: true });
    writeFileSync(join(made, ".complete"), `${debs.length} packages\n`);
    rmSync(privateRoot, { recursive: true, force: true });
    renameSync(made, privateRoot);
  } catch (error) {
    // Another run may have been quicker.
    if (!existsSync(complete)) throw error;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Downloads the packages and all that they need into an apt state of our own; returns their paths. */
function download(apt) {
  const { mirror, keyring } = debianSource();
  const architecture = run("dpkg", ["--print-architecture"], {}, "dpkg does not tell the architecture").trim();
  for (const folder of ["lists/partial", "cache/archives/partial", "dpkg"]) {
    mkdirSync(join(apt, folder), { recursive: true });
  }
  writeFileSync(join(apt, "dpkg/status"), "");
  writeFileSync(join(apt, "sources.list"), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  writeFileSync(
    join(apt, "apt.conf"),
    [
      `Dir::State "${apt}";`,
      `Dir::State::lists "${apt}/lists";`,
      `Dir::State::status "${apt}/dpkg/status";`,
      `Dir::Cache "${apt}/cache";`,
      `Dir::Etc::sourcelist "${apt}/sources.list";`,
      'Dir::Etc::sourceparts "-";',
      'Dir::Etc::preferencesparts "-";',
      `APT::Architecture "${architecture}";`,
      `APT::Architectures { "${architecture}"; };`,
      'APT::Install-Recommends "false";',
      'APT::Sandbox::User "";',
      'Acquire::Languages "none";',
    ].join("\n"),
  );
  const env = { APT_CONFIG: join(apt, "apt.conf") };
  run("apt-get", ["-qq", "update"], env, `Debian's mirror ${mirror} cannot be read`);
  run("apt-get", ["-qq", "-y", "--download-only", "install", ...packages], env, "Debian's Swift cannot be downloaded");
  const archives = join(apt, "cache/archives");
  return readdirSync(archives)
    .filter((name) => name.endsWith(".deb"))
    .sort()
    .map((name) => join(archives, name));
}

/** Mirror and key of the machine's own Debian sources, so that its settings (a mirror nearby) hold here too. */
function debianSource() {
  const folder = "/etc/apt/sources.list.d";
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => /\.(?:sources|list)$/.test(name)) : [];
  const files = ["/etc/apt/sources.list", ...names.map((name) => join(folder, name))].filter((path) =>
    existsSync(path),
  );
  for (const path of files) {
    const text = readFileSync(path, "utf8");
    for (const stanza of text.split(/\n\s*\n/)) {
      const uri = /^URIs:\s*(\S+)/m.exec(stanza)?.[1];
      const key = /^Signed-By:\s*(\/\S+)/m.exec(stanza)?.[1];
      if (uri !== undefined && isDebianMirror(uri)) return { mirror: uri, keyring: key ?? defaultKeyring };
    }
    for (const line of text.split("\n")) {
      const found = /^deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+\S+\s+main/.exec(line);
      if (found === null || !isDebianMirror(found[2])) continue;
      const key = /signed-by=(\S+)/.exec(found[1] ?? "")?.[1];
      return { mirror: found[2], keyring: key ?? defaultKeyring };
    }
  }
  throw new ToolchainError(
    "There is no Swift 6 here and no Debian mirror to fetch it from. Install Swift 6 from swift.org.",
  );
}

const defaultKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The main archive: its path ends in /debian (the security archive's in /debian-security). */
function isDebianMirror(uri) {
  return /\/debian\/?$/.test(uri);
}

function isProgram(name) {
  return spawnSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" }).status === 0;
}

function run(program, args, env, what) {
  const result = spawnSync(program, args, { encoding: "utf8", env: { ...process.env, ...env }, maxBuffer: 2 ** 26 });
  if (result.status !== 0) {
    throw new ToolchainError(`${what} (${words(result)}). Install Swift 6 from swift.org, or mend that and try again.`);
  }
  return result.stdout;
}

function words(result) {
  const text = result.error?.message ?? `${result.stderr ?? ""}`.trim().split("\n").at(-1);
  return text === "" || text === undefined ? `status ${result.status}` : text;
}
