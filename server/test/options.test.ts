import { homedir } from "node:os";
import t from "tap";
import { defaultLimits } from "../core/base/limits.ts";
import { defaultDirectory } from "../edge/cache-directory.ts";
import {
  formatByteCount,
  parseByteCount,
  parseMilliseconds,
  parseSeconds,
  readEnvironment,
  readOptionText,
} from "../option-text.ts";
import { defaultOptions, optionTable, type PartialOptions, resolveOptions } from "../options.ts";

function messageOf(input: unknown): string {
  const result = resolveOptions(input as PartialOptions);
  return result.ok ? "" : result.message;
}

function flagMessage(flag: string, ...texts: string[]): string {
  const row = optionTable.find((candidate) => candidate.flag === flag);
  return row === undefined ? "no such flag" : (readOptionText({}, row, `--${flag}`, texts) ?? "");
}

function flagValue(flag: string, ...texts: string[]): unknown {
  const row = optionTable.find((candidate) => candidate.flag === flag);
  const options: PartialOptions = {};
  if (row === undefined || readOptionText(options, row, `--${flag}`, texts) !== null) {
    return undefined;
  }
  return options[row.name];
}

t.test("nothing given resolves to the defaults, and every option has one row", async (t) => {
  const inForce = { ...defaultOptions, cacheDir: defaultDirectory(process.env, homedir()) };
  t.same(resolveOptions({}), { ok: true, options: inForce });
  t.same(resolveOptions({ port: undefined, cacheDir: "" }), { ok: true, options: inForce });
  t.same(optionTable.map((row) => row.name).sort(), Object.keys(defaultOptions).sort());
  t.equal(new Set(optionTable.map((row) => row.environment)).size, optionTable.length);
  for (const row of optionTable) {
    t.equal(resolveOptions({ [row.name]: defaultOptions[row.name] }).ok, true, `the default of ${row.name} is allowed`);
  }
});

t.test("R-CLI-1: an option or variable that is in no row is refused by name", async (t) => {
  t.match(messageOf({ prot: 1 }), /^prot: no such option; there are host, port, /);
  t.match(messageOf({ toString: 1 }), /^toString: no such option/);
  t.same(readEnvironment({ REELCACHE_PROT: "1" }), {
    ok: false,
    message: "REELCACHE_PROT: no such variable; reelcache --help lists all",
  });
});

t.test("R-CLI-2: a refusal names the option, the value and what is allowed", async (t) => {
  t.equal(messageOf({ port: 65_536 }), "port: 65536 is not allowed; it must be a whole number from 0 to 65535");
  t.equal(messageOf({ form: "short" }), 'form: "short" is not allowed; it must be one of query, path');
  t.equal(flagMessage("port", "9000x"), '--port: "9000x" is not allowed; it must be a whole number from 0 to 65535');
  t.match(
    flagMessage("max-cache-bytes", "12 parsecs"),
    /"12 parsecs" is not allowed; .* \(KB, MB, GB, KiB, MiB, GiB\)$/,
  );
  t.match(
    flagMessage("limit", "slots=8"),
    /^--limit: "slots=8" is not allowed; it must be one of the limits .*slotsMax/,
  );
  t.match(flagMessage("limit", "slotsMax=0"), /"slotsMax=0" is not allowed; it must be a whole number from 1 to/);
  // A timer of the runtime would take a longer time for none.
  for (const name of ["bodySilenceMs", "breakerPauseMsMax"]) {
    t.match(flagMessage("limit", `${name}=2147483648`), /"[A-Za-z]+=2147483648" is not allowed; .* to 2147483647$/);
  }
  t.match(flagMessage("limit", "slotsMax"), /it must be name=value$/);
  t.match(flagMessage("limit", "toString=1"), /must be one of the limits/);
  t.match(flagMessage("request-field", "no colon"), /must be fields, each written "Name: value"$/);
});

t.test("wrong types and bounds from the library are refused", async (t) => {
  for (const input of [
    { port: "9000" },
    { port: 1.5 },
    { port: -1 },
    { maxCacheBytes: 0 },
    { maxCacheBytes: Number.POSITIVE_INFINITY },
    { cors: "yes" },
    { cacheDir: 1 },
    { host: "example.com" },
    { host: "" },
    { dropParameters: "a,b" },
    { dropParameters: [""] },
    { dropParameters: null },
    { allowUpstream: ["https://cdn.example.com/"] },
    { requestFields: ["Referer"] },
    { requestFields: ["Bad Name", "x"] },
    { requestFields: ["X-A", "1\r\nX-B: 2"] },
    { limits: { slotsMax: 0 } },
    { limits: { lowWaterPercent: 101 } },
    { limits: null },
    { policy: "live" },
    { heuristicPercent: 101 },
    { logLevel: "loud" },
  ]) {
    t.not(messageOf(input), "", JSON.stringify(input));
  }
});

t.test("R-CLI-3: an address beyond loopback needs a secret", async (t) => {
  t.match(
    messageOf({ host: "0.0.0.0" }),
    /^host: "0\.0\.0\.0" is reachable from other machines, so a secret is required/,
  );
  t.match(messageOf({ host: "::" }), /secret is required/);
  t.match(messageOf({ host: "192.168.1.5" }), /secret is required/);
  t.equal(messageOf({ host: "0.0.0.0", secret: "long-enough" }), "");
  for (const host of ["127.0.0.1", "127.0.0.9", "::1", "localhost"]) {
    t.equal(messageOf({ host }), "", host);
  }
});

t.test("R-CLI-4: a secret survives in a URL as it is, and a refused one is not shown", async (t) => {
  t.equal(messageOf({ secret: "Az09-._~" }), "");
  t.not(messageOf({ secret: "short" }), "");
  t.not(messageOf({ secret: "with/slash" }), "");
  t.not(messageOf({ secret: "x".repeat(129) }), "");
  t.notMatch(flagMessage("secret", "with/slash"), /with.slash/);
  t.notMatch(messageOf({ secret: "with/slash" }), /with.slash/);
});

t.test("R-CLI-5: sizes and durations take units", async (t) => {
  t.equal(parseByteCount("0"), 0);
  t.equal(parseByteCount("512MB"), 512_000_000);
  t.equal(parseByteCount("2GiB"), 2_147_483_648);
  t.equal(parseByteCount("1.5 GiB"), 1_610_612_736);
  t.equal(parseByteCount("64kib"), 65_536);
  t.equal(parseMilliseconds("250"), 250);
  t.equal(parseMilliseconds("2.5s"), 2_500);
  t.equal(parseMilliseconds("2.3s"), 2_300);
  t.equal(parseSeconds("300"), 300);
  t.equal(parseSeconds("5m"), 300);
  for (const text of [
    "",
    " 1",
    "1 ",
    "-1",
    "+1",
    "1e3",
    "0x10",
    "1.",
    ".5",
    "1.5",
    "1 XB",
    "1  MB",
    "99999999999999999",
  ]) {
    t.equal(parseByteCount(text), null, JSON.stringify(text));
  }
  t.equal(parseByteCount("9999999999TB"), null, "beyond 2^53");
  t.equal(parseMilliseconds("0.5ms"), null);
  t.equal(parseSeconds("2.5s"), null);
  t.equal(formatByteCount(1_073_741_824), "1 GiB");
  t.equal(formatByteCount(1_610_612_736), "1.5 GiB");
  t.equal(formatByteCount(17), "17 bytes");
});

t.test("lists take commas and repetition; fields and limits are read", async (t) => {
  t.same(flagValue("allow-private", "127.0.0.1:*,10.0.0.1", "[::1]:80"), ["127.0.0.1:*", "10.0.0.1", "[::1]:80"]);
  t.same(flagValue("request-field", "Referer: https://a.example/, b", "X-Empty:"), [
    "Referer",
    "https://a.example/, b",
    "X-Empty",
    "",
  ]);
  t.same(flagValue("limit", "slotsMax=8,connectMs=2.5s", "tailBytesMax=1MiB"), {
    slotsMax: 8,
    connectMs: 2_500,
    tailBytesMax: 1_048_576,
  });
  t.equal(flagValue("port", "1", "2"), 2, "the last of several wins");
});

t.test("every limit can be set by its name", async (t) => {
  for (const [name, value] of Object.entries(defaultLimits)) {
    t.same(flagValue("limit", `${name}=${value}`), { [name]: value });
  }
});

t.test("the environment is read by the same table", async (t) => {
  t.same(
    readEnvironment({
      PATH: "/bin",
      REELCACHE_PORT: "0",
      REELCACHE_CORS: "off",
      REELCACHE_HOST: "",
      REELCACHE_REQUEST_FIELD: "A: 1, 2\nB: 3",
      REELCACHE_LIMIT: "slotsMax=4",
    }),
    { ok: true, options: { port: 0, cors: false, requestFields: ["A", "1, 2", "B", "3"], limits: { slotsMax: 4 } } },
  );
  t.same(readEnvironment({ REELCACHE_CORS: "maybe" }), {
    ok: false,
    message: 'REELCACHE_CORS: "maybe" is not allowed; it must be true or false',
  });
});
