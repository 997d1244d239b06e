/** Round trips between upstream URLs and proxied URLs, in both forms, over seeded URLs. */
import t from "tap";
import { proxiedUrl, proxyPrefix, renditionReportUrl } from "../core/route/proxied-url.ts";
import { parseTarget, type UrlForm } from "../core/route/request-target.ts";
import { randomFrom } from "./support/random.ts";

const forms: UrlForm[] = ["query", "path"];
const secrets = ["", "s3cret", "a/b c?\u00c3\u00a9"];
const origin = "http://127.0.0.1:9000";

type Pick = (below: number) => number;

function oneOf(pick: Pick, choices: string[]): string {
  return choices[pick(choices.length)] ?? "";
}

function many(pick: Pick, most: number, make: () => string): string {
  let text = "";
  for (let count = pick(most + 1); count > 0; count -= 1) {
    text += make();
  }
  return text;
}

/** An http(s) URL with a path and without a fragment, of every byte that may stand in a request line but "#". */
function rawUrl(pick: Pick): string {
  const hosts = [
    "a.example",
    "CDN.Example.com:8443",
    "127.0.0.1:80",
    "[::1]:8080",
    "[2001:db8::1]",
    "x_y-z.example:443",
  ];
  const pathBits = [
    "a",
    "/",
    "//",
    "%2F",
    "%2b",
    "+",
    "~",
    "!",
    "'",
    "(*)",
    ":",
    "@",
    ";=",
    ",",
    "$",
    "&",
    "=",
    "..",
    "\u00c3\u00a9",
    "%",
    "%zz",
    "\\",
    "|",
  ];
  const queryBits = [
    ...pathBits,
    "?",
    "url=",
    "&url=https%3A%2F%2Fb.example%2F",
    "Policy=a~b&Signature=x%2By%2F%3D",
    "_HLS_msn=1",
  ];
  const path = many(pick, 8, () => oneOf(pick, pathBits));
  const query = pick(2) === 0 ? "" : `?${many(pick, 8, () => oneOf(pick, queryBits))}`;
  return `${oneOf(pick, ["http", "https"])}://${oneOf(pick, hosts)}/${path}${query}`;
}

t.test("5000 seeded URLs come back from both forms byte for byte, with and without a secret (R-URL-16)", async (t) => {
  const faults: string[] = [];
  for (let seed = 1; seed <= 5000; seed += 1) {
    const url = rawUrl(randomFrom(seed));
    for (const form of forms) {
      for (const secret of secrets) {
        const proxied = proxiedUrl(proxyPrefix("http", "127.0.0.1:9000", secret), form, url);
        const route = parseTarget(proxied.slice(origin.length), secret);
        if (route.kind !== "resource" || route.url !== url || route.form !== form) {
          faults.push(`seed ${seed}: ${url} went out as ${proxied} and came back as ${JSON.stringify(route)}`);
        }
      }
    }
  }
  t.strictSame(faults.slice(0, 5), []);
});

t.test("a player that normalises URLs as browsers do still asks for the same upstream URL", async (t) => {
  const faults: string[] = [];
  for (let seed = 1; seed <= 2000; seed += 1) {
    const url = new URL(rawUrl(randomFrom(seed))).href;
    for (const form of forms) {
      const asked = new URL(proxiedUrl(origin, form, url));
      const route = parseTarget(asked.href.slice(origin.length), "");
      if (route.kind !== "resource" || route.url !== url) {
        faults.push(`seed ${seed}: ${form} ${url} came back as ${JSON.stringify(route)}`);
      }
    }
  }
  t.strictSame(faults.slice(0, 5), []);
});

t.test("the query form is what encodeURIComponent makes of the URL", async (t) => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const bytes = rawUrl(randomFrom(seed));
    const text = Buffer.from(bytes, "latin1").toString("utf8");
    t.equal(proxiedUrl(origin, "query", bytes), `${origin}/proxy?url=${encodeURIComponent(text)}`);
  }
});

t.test("no target makes parseTarget throw, echo bytes into a detail, or let a foreign secret pass", async (t) => {
  const bits = [
    "/",
    "~",
    "s3cret",
    "proxy",
    "?",
    "url=",
    "&",
    "%",
    "%0d%0a",
    "http",
    "s:",
    "//",
    "\r\n",
    "\u0000",
    "\u00ff",
    "@",
    "a.example",
    "[",
    "]",
    ":",
    "#",
    "*",
    " ",
    "health",
  ];
  const faults: string[] = [];
  for (let seed = 1; seed <= 20_000; seed += 1) {
    const pick = randomFrom(seed);
    const target = many(pick, 14, () => oneOf(pick, bits));
    const route = parseTarget(target, "s3cret");
    const opened = target.includes("/~s3cret") || target.includes("/health");
    if (route.kind === "error" ? !isPlainSentence(route.detail) : !opened) {
      faults.push(`seed ${seed}: ${JSON.stringify(target)} gave ${JSON.stringify(route)}`);
    }
    if (route.kind === "resource" && !isRequestText(route.url)) {
      faults.push(`seed ${seed}: ${JSON.stringify(target)} gave a URL that breaks a request line`);
    }
  }
  t.strictSame(faults.slice(0, 5), []);
});

t.test("a rendition report resolves to the proxied URL of its playlist, in both forms (R-PL-17)", async (t) => {
  const faults: string[] = [];
  for (let seed = 1; seed <= 3000; seed += 1) {
    const pick = randomFrom(seed);
    const playlist = new URL(rawUrl(pick)).href;
    const report =
      pick(3) === 0
        ? new URL(rawUrl(pick)).href
        : new URL(
            oneOf(
              pick,
              ["x", "../x/y?z", "/a:b", ".", "?q=/", "a:b/"].map((tail) => `./${tail}`),
            ),
            playlist,
          ).href;
    for (const form of forms) {
      for (const secret of secrets) {
        const prefix = proxyPrefix("http", "127.0.0.1:9000", secret);
        const text = renditionReportUrl(form, playlist, report);
        const seen = new URL(text, proxiedUrl(prefix, form, playlist)).href;
        if (seen !== new URL(proxiedUrl(prefix, form, report)).href || /^[a-z]+:|^\//i.test(text)) {
          faults.push(`seed ${seed} ${form}: ${report} from ${playlist} became ${text}, which is ${seen}`);
        }
      }
    }
  }
  t.strictSame(faults.slice(0, 5), []);
});

function isPlainSentence(text: string): boolean {
  return text.length > 0 && /^[ -~]+$/.test(text);
}

function isRequestText(text: string): boolean {
  return /^[!-~\u0080-\u00ff]+$/.test(text) && !text.includes("#");
}
