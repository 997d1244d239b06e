/**
 * An independent reader beside the vectors: hls-parser reads original and rewritten playlists, the platform's own URL
 * resolves references. Each rewritten URI must map back to the original, all else must be the same bytes.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "hls-parser";
import t, { type Test } from "tap";
import { playlistResources } from "../core/playlist/playlist-resources.ts";
import { proxyPrefix } from "../core/route/proxied-url.ts";
import { parseTarget, type UrlForm } from "../core/route/request-target.ts";
import { livePlaylist, multivariantPlaylist, type Piece, vodPlaylist, wildPlaylist } from "./support/playlist-maker.ts";
import { randomFrom } from "./support/random.ts";
import { rewritten, variableSources } from "./support/rewriting.ts";

const mediaFolder = join(import.meta.dirname, "../../fixtures/media");
const forms: UrlForm[] = ["query", "path"];
const secrets = ["", "k~e y/1"];
const base = "https://cdn.example.com/vod/show%201/main/index.m3u8?token=a%2Bb&x=/y/";

/** The upstream URL that a player's request for this URI would reach, seen from the player's own playlist URL. */
function upstreamOf(uri: string, playerUrl: string, secret: string): string {
  const asked = new URL(uri, playerUrl);
  const route = parseTarget(asked.pathname + asked.search, secret);
  return route.kind === "resource" ? route.url : `${route.kind}: ${uri}`;
}

/** Where the player loaded the playlist from. */
function playerUrlOf(form: UrlForm, prefix: string, url: string): string {
  return form === "query" ? `${prefix}/proxy?url=${encodeURIComponent(url)}` : `${prefix}/${url.replace("://", "/")}`;
}

/** Walks two parsed values side by side; returns the URI pairs, and puts every other difference into `differences`. */
function uriPairs(left: unknown, right: unknown, path: string, differences: string[]): [string, string][] {
  if (typeof left !== "object" || left === null || typeof right !== "object" || right === null) {
    if (!Object.is(left, right)) {
      differences.push(`${path}: ${String(left)} became ${String(right)}`);
    }
    return [];
  }
  const pairs: [string, string][] = [];
  const before = new Map(Object.entries(left));
  const after = new Map(Object.entries(right));
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const from = before.get(key);
    const to = after.get(key);
    const isUri = ["uri", "serverUri", "X-ASSET-URI", "X-ASSET-LIST", "X-URI"].includes(key);
    if (isUri && typeof from === "string" && typeof to === "string") {
      pairs.push([from, to]);
    } else if (key !== "source" && key !== "parentPlaylist") {
      pairs.push(...uriPairs(from, to, `${path}.${key}`, differences));
    }
  }
  return pairs;
}

function isHttp(url: string): boolean {
  return url.startsWith("http://") || url.startsWith("https://");
}

/** Checks one playlist in both forms, with and without a secret; returns how many URIs were compared. */
function checkByParser(t: Test, name: string, bytes: string, baseUrl: string): number {
  let compared = 0;
  const faults: string[] = [];
  for (const form of forms) {
    for (const secret of secrets) {
      const prefix = proxyPrefix("http", "127.0.0.1:9000", secret);
      const pairs = uriPairs(parse(bytes), parse(rewritten(bytes, form, prefix, baseUrl)), "playlist", faults);
      for (const [original, mapped] of pairs) {
        const meant = new URL(original, baseUrl);
        meant.hash = "";
        const reached = isHttp(meant.href) ? upstreamOf(mapped, playerUrlOf(form, prefix, baseUrl), secret) : mapped;
        if (reached !== meant.href) {
          faults.push(`${form} ${original} became ${mapped}, which reaches ${reached}, not ${meant.href}`);
        }
        compared += 1;
      }
    }
  }
  t.strictSame(faults, [], name);
  return compared;
}

t.test("every URI that hls-parser finds in 300 generated playlists maps back, and nothing else changes", async (t) => {
  let compared = 0;
  for (let seed = 1; seed <= 100; seed += 1) {
    compared += checkByParser(t, `vod ${seed}`, vodPlaylist(randomFrom(seed)), base);
    compared += checkByParser(t, `live ${seed}`, livePlaylist(randomFrom(seed)), base);
    compared += checkByParser(t, `multivariant ${seed}`, multivariantPlaylist(randomFrom(seed)), base);
  }
  t.ok(compared > 10_000, `${compared} URIs compared`);
});

t.test("every URI of the real playlists maps back, and nothing else changes", async (t) => {
  const files = readdirSync(mediaFolder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".m3u8"),
  );
  t.ok(files.length >= 10, `${files.length} playlists`);
  for (const file of files) {
    const bytes = readFileSync(join(mediaFolder, file), "latin1");
    t.ok(checkByParser(t, file, bytes, `https://cdn.example.com/media/${file}`) > 0, `${file} names something`);
  }
});

t.test(
  "hls-parser finds the same URIs in 200 playlists whether variables hold parts of them or not (R-VAR-1)",
  async (t) => {
    let replaced = 0;
    for (let seed = 1; seed <= 100; seed += 1) {
      for (const make of [vodPlaylist, multivariantPlaylist]) {
        const plain = make(randomFrom(seed));
        const { text, count } = withVariables(plain, randomFrom(seed));
        for (const form of forms) {
          const prefix = proxyPrefix("http", "127.0.0.1:9000", "");
          const seen = urisOf(parse(rewritten(text, form, prefix, base, "imported:seg")));
          t.strictSame(seen, urisOf(parse(rewritten(plain, form, prefix, base))), `${make.name} ${seed} ${form}`);
        }
        replaced += count;
      }
    }
    t.ok(replaced > 1_000, `${replaced} references`);
  },
);

/** The playlist with pieces of its URIs in variables: its own, one that it imports, one of its URL's query. */
function withVariables(plain: string, pick: (below: number) => number): { text: string; count: number } {
  const variables = new Map([
    ["host", "https://signed.example/v"],
    ["up", ".."],
    ["imported", "seg"],
    ["x", "/y/"],
    ["number", "1"],
  ]);
  let count = 0;
  const filled = (uri: string): string => {
    let text = uri;
    for (const [name, value] of variables) {
      // What is left to the player keeps its variables.
      if (pick(3) === 0 || !text.includes(value) || uri.startsWith("skd:")) continue;
      text = text.replace(value, `{$${name}}`);
      count += 1;
    }
    return text;
  };
  const tags = '#EXT-X-DEFINE:NAME="host",VALUE="https://{$signed}/v"\n#EXT-X-DEFINE:NAME="up",VALUE=".."\n';
  const more = '#EXT-X-DEFINE:IMPORT="imported"\n#EXT-X-DEFINE:QUERYPARAM="x"\n#EXT-X-DEFINE:NAME="number",VALUE="1"\n';
  const text = plain
    .replace(/^[^#\r\n].*$/gm, filled)
    .replace(/URI="([^"]+)"/g, (_whole, uri: string) => `URI="${filled(uri)}"`)
    .replace(/^#EXTM3U\r?\n/, `#EXTM3U\n#EXT-X-DEFINE:NAME="signed",VALUE="signed.example"\n${tags}${more}`);
  return { text, count };
}

/** Every URI that hls-parser finds, without those that variables would leave at home or take along. */
function urisOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    if (key === "parentPlaylist" || key === "source") return [];
    const isUri = typeof member === "string" && /^(?:uri|serverUri|X-ASSET-URI)$/.test(key);
    return isUri
      ? [member.replace(/&define=[^&]*|\/;define=[^/]*|(?<=\/;as=steering);define=[^/]*/, "")]
      : urisOf(member);
  });
}

t.test("only the bytes of the right URIs change in 600 playlists made of every trap (R-PL-21)", async (t) => {
  const faults: string[] = [];
  let replaced = 0;
  for (let seed = 1; seed <= 600; seed += 1) {
    const pieces = wildPlaylist(randomFrom(seed), base);
    for (const form of forms) {
      const prefix = proxyPrefix("http", "127.0.0.1:9000", "");
      const text = rewritten(pieces.map((piece) => piece.text).join(""), form, prefix, base);
      faults.push(...pieceFaults(pieces, text, form, prefix).map((fault) => `seed ${seed} ${form}: ${fault}`));
      replaced += pieces.filter((piece) => piece.upstream !== "").length;
    }
  }
  t.strictSame(faults.slice(0, 5), []);
  t.ok(replaced > 5_000, `${replaced} URIs replaced`);
});

t.test("the resources of a wild playlist are exactly the URLs that its rewritten URIs reach (R-PL-22)", async (t) => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const pieces = wildPlaylist(randomFrom(seed), base);
    const found = playlistResources(pieces.map((piece) => piece.text).join(""), base, variableSources(base));
    const listed = [...found.maps, ...found.keys, ...found.segments, ...found.playlists].sort();
    const wanted = pieces.filter((piece) => piece.isListed).map((piece) => piece.upstream);
    t.strictSame(listed, [...new Set(wanted)].sort(), `seed ${seed}`);
  }
});

/** Walks the pieces over the rewritten text: kept pieces byte for byte, URIs by what a request for them would reach. */
function pieceFaults(pieces: Piece[], rewritten: string, form: UrlForm, prefix: string): string[] {
  const faults: string[] = [];
  let at = 0;
  for (const [index, piece] of pieces.entries()) {
    if (piece.upstream === "") {
      if (!rewritten.startsWith(piece.text, at)) {
        return [
          ...faults,
          `kept text ${JSON.stringify(piece.text)} is ${JSON.stringify(rewritten.slice(at, at + 80))}`,
        ];
      }
      at += piece.text.length;
      continue;
    }
    const follower = pieces[index + 1]?.text.charAt(0) ?? "";
    const end = follower === "" ? rewritten.length : rewritten.indexOf(follower, at);
    const mapped = rewritten.slice(at, end);
    const reached = upstreamOf(mapped, playerUrlOf(form, prefix, base), "");
    if (reached !== piece.upstream) {
      faults.push(`${piece.text} became ${mapped}, which reaches ${reached}, not ${piece.upstream}`);
    }
    at = end;
  }
  return at === rewritten.length ? faults : [...faults, `there is more: ${rewritten.slice(at)}`];
}
