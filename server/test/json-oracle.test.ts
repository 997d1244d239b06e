/**
 * The platform's JSON beside the scanner: both take the same texts for JSON, and read the same strings in them. What is
 * rewritten reads as the platform would have written it, and all other bytes stay.
 */
import t from "tap";
import { rewriteJson } from "../core/playlist/json-rewrite.ts";
import { elementPath, memberPath, scanJson } from "../core/playlist/json-scan.ts";
import { randomFrom } from "./support/random.ts";

type Pick = (below: number) => number;

const texts = [
  "",
  "a",
  "URI",
  'q"uote',
  "back\\slash",
  "line\n",
  "tab\t\u0001",
  "\u00e9\u20ac",
  "\u{1f600}",
  "\ud800",
  "/",
];
const depthMax = 12;

function value(pick: Pick, depth: number): unknown {
  const kind = pick(depth > 0 ? 7 : 5);
  if (kind === 0) return [true, false, null][pick(3)];
  if (kind === 1) return [0, -1, 1.5, 1e21, 1e-7, 123456789012][pick(6)];
  if (kind < 5) return texts[pick(texts.length)];
  const size = pick(4);
  if (kind === 5) return Array.from({ length: size }, () => value(pick, depth - 1));
  return Object.fromEntries(
    Array.from({ length: size }, () => [texts[pick(texts.length)] ?? "", value(pick, depth - 1)]),
  );
}

/** The value as bytes, with white space, and some characters as escapes. */
function written(pick: Pick, of: unknown): string {
  const plain = JSON.stringify(of, null, pick(3)) ?? "null";
  const escaped = plain.replace(/[a-zA-Z/](?=[^"]*")/g, (char) =>
    pick(8) === 0 && !plain.includes("\\") ? `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}` : char,
  );
  return Buffer.from(isJson(escaped) ? escaped : plain, "utf8").toString("latin1");
}

/** The text with some bytes lost, doubled or replaced. */
function spoilt(pick: Pick, text: string): string {
  const marks = '{}[]:,"\\ 0-+.eEtfnu\n\u0000\u00ff';
  const at = pick(text.length + 1);
  const mark = marks.charAt(pick(marks.length));
  return (
    [
      text.slice(0, at) + text.slice(at + 1),
      text.slice(0, at) + mark + text.slice(at),
      text.slice(0, at) + mark + text.slice(at + 1),
    ][pick(3)] ?? ""
  );
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** What is nested no deeper than the scanner may go. */
function isShallow(text: string): boolean {
  let depth = 0;
  let most = 0;
  for (const char of text.replace(/"(?:[^"\\]|\\.)*"/gs, "")) {
    depth += "{[".includes(char) ? 1 : "}]".includes(char) ? -1 : 0;
    most = Math.max(most, depth);
  }
  return most <= depthMax;
}

t.test("what is JSON to the platform is JSON to the scanner, and nothing else (R-JSON-3)", async (t) => {
  const wrong: string[] = [];
  const counts = { right: 0, wrong: 0 };
  for (let seed = 1; seed <= 20_000; seed += 1) {
    const pick = randomFrom(seed);
    let text = written(pick, value(pick, 5));
    for (let left = pick(4); left > 0; left -= 1) text = spoilt(pick, text);
    const expected = isJson(text) && isShallow(text);
    counts[expected ? "right" : "wrong"] += 1;
    if ((scanJson(text, [], depthMax) !== null) !== expected) wrong.push(`${seed}: ${JSON.stringify(text)}`);
  }
  t.strictSame(wrong.slice(0, 3), []);
  t.ok(counts.right > 4_000 && counts.wrong > 4_000, `${counts.right} texts are JSON, ${counts.wrong} are not`);
});

t.test("every string and object of the whole reads as the platform reads it", async (t) => {
  let strings = 0;
  for (let seed = 1; seed <= 5_000; seed += 1) {
    const pick = randomFrom(seed);
    const members = Array.from({ length: pick(5) }, (_, at) => [`${texts[pick(texts.length)]}${at}`, value(pick, 2)]);
    const text = written(pick, Object.fromEntries(members));
    const parsed: Record<string, unknown> = JSON.parse(Buffer.from(text, "latin1").toString("utf8"));
    const wanted = Object.entries(parsed).flatMap(([name, member]) => {
      if (typeof member === "string") return [[name.toWellFormed(), member.toWellFormed()]];
      return typeof member === "object" && member !== null && !Array.isArray(member)
        ? [[name.toWellFormed(), null]]
        : [];
    });
    const found = (scanJson(text, [""], depthMax) ?? []).map(({ name, kind, text }) => [
      utf8(name),
      kind === "string" ? utf8(text) : null,
    ]);
    const sorted = (list: unknown[]): string[] => list.map((one) => JSON.stringify(one)).sort();
    if (JSON.stringify(sorted(found)) !== JSON.stringify(sorted(wanted))) t.fail(`seed ${seed}: ${text}`);
    strings += found.length;
  }
  t.ok(strings > 3_000, `${strings} members compared`);
});

t.test(
  "an asset list that is rewritten reads as one whose URIs were mapped, and keeps its other bytes (R-JSON-1)",
  async (t) => {
    const prefix = "http://127.0.0.1:9000";
    const base = "https://cdn.example/ads/list.json";
    const own = { as: "asset-list" as const, define: "" };
    const context = {
      prefix,
      form: "path" as const,
      baseUrl: base,
      own,
      depthMax,
      bytesMax: 1_000_000,
      urisBytesMax: 1_000_000,
    };
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const pick = randomFrom(seed);
      const assets = Array.from({ length: pick(4) }, (_, at) => ({
        x: value(pick, 2),
        URI: `a${at}/b.m3u8?c=${pick(9)}`,
        DURATION: pick(20),
      }));
      const text = written(pick, { y: value(pick, 2), ASSETS: assets, URI: "n" });
      const rewritten = rewriteJson(text, context);
      const mapped = JSON.parse(Buffer.from(text, "latin1").toString("utf8"));
      for (const asset of mapped.ASSETS) asset.URI = `${prefix}/${new URL(asset.URI, base).href.replace("://", "/")}`;
      t.strictSame(JSON.parse(Buffer.from(rewritten, "latin1").toString("utf8")), mapped, `seed ${seed}`);
      let left = text;
      let right = rewritten;
      for (const place of scanJson(text, [elementPath(memberPath("", "ASSETS"))], depthMax) ?? []) {
        if (place.name === "URI") left = left.replace(text.slice(place.start, place.end), "");
      }
      for (const place of scanJson(rewritten, [elementPath(memberPath("", "ASSETS"))], depthMax) ?? []) {
        if (place.name === "URI") right = right.replace(rewritten.slice(place.start, place.end), "");
      }
      t.equal(right, left, `seed ${seed}: the other bytes`);
    }
  },
);

function utf8(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
