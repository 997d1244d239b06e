/** The oracles that read what was said: playlists, errors, fields at the origin, Cache-Status. */
import t, { type Test } from "tap";
import type { Case } from "../case/case-types.ts";
import type { Oracle, OriginEntry, WireResponse } from "../case/result-types.ts";
import { cacheStatusTrue } from "../oracles/cache-status-true.ts";
import { nothingStoredFromFaults } from "../oracles/nothing-stored-from-faults.ts";
import { originSeesNoPrivateFields } from "../oracles/origin-sees-no-private-fields.ts";
import { rewrittenUris } from "../oracles/rewritten-uris.ts";
import { makeCase, textResource } from "./support/cases.ts";
import { answer, asked, contextOf, originUrl, otherUrl, targetUrl, whole } from "./support/transcripts.ts";

function finds(
  t: Test,
  oracle: Oracle,
  wanted: RegExp | null,
  says: string,
  item: Case,
  responses: WireResponse[],
  origin: OriginEntry[] = [],
): void {
  const found = oracle.check(contextOf(item, responses, origin));
  if (wanted === null) t.strictSame(found, [], says);
  else t.match(found[0]?.message ?? "(nothing found)", wanted, says);
}

const proxied = (url: string): string => `${targetUrl}/proxy?url=${encodeURIComponent(url)}`;

const original = [
  "#EXTM3U",
  "#EXT-X-TARGETDURATION:4",
  '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://key",KEYFORMAT="com.apple.streamingkeydelivery"',
  '#EXT-X-KEY:METHOD=AES-128,URI="k.key?a=1&b=%2B"',
  "#EXTINF:4.00000, a title",
  "../up/s0.ts?sig=a%2Bb&x=~",
  "#EXTINF:4,",
  "s1.ts",
  "#EXT-X-ENDLIST",
  "",
].join("\r\n");

/** The original as a right proxy would serve it, with `change` applied. */
function served(change: (text: string) => string = (text) => text): WireResponse[] {
  const text = original
    .replace("k.key?a=1&b=%2B", proxied(`${originUrl}/a/k.key?a=1&b=%2B`))
    .replace("../up/s0.ts?sig=a%2Bb&x=~", proxied(`${originUrl}/up/s0.ts?sig=a%2Bb&x=~`))
    .replace("s1.ts", proxied(`${originUrl}/a/s1.ts`));
  return [whole("list", "/a/index.m3u8", change(text))];
}

const playlistCase = makeCase("oracles/playlist", { "/a/index.m3u8": textResource(original) }, []);

t.test("every URI of a rewritten playlist leads back, and nothing else changes", async (t) => {
  const check = (wanted: RegExp | null, says: string, change?: (text: string) => string): void =>
    finds(t, rewrittenUris, wanted, says, playlistCase, served(change));
  check(null, "a right one");
  check(/leads to .*a=1, not to .*a=1&b=%2B/, "a lost &", (text) => text.replace("%26b%3D%252B", ""));
  check(/line 8: s1.ts became s1.ts, which leads to null/, "a URI that was forgotten", (text) =>
    text.replace(proxied(`${originUrl}/a/s1.ts`), "s1.ts"),
  );
  check(/leads past the proxy/, "a URI that leads to the origin", (text) =>
    text.replace(proxied(`${originUrl}/a/s1.ts`), `${originUrl}/a/s1.ts`),
  );
  check(/skd:\/\/key became .*, though it is none to proxy/, "skd:, proxied", (text) =>
    text.replace("skd://key", proxied("skd://key")),
  );
  check(/10 lines became 19/, "doubled line ends", (text) => text.replaceAll("\r\n", "\r\n\n"));
  check(/line 1: "#EXTM3U\\r" became "#EXTM3U"/, "lost carriage returns", (text) => text.replaceAll("\r\n", "\n"));
  check(/EXTINF:4.00000.*became.*EXTINF:4,/, "a number that was reprinted", (text) => text.replace("4.00000", "4"));
  check(/leads to .*\/s1.ts, not to .*\/a\/s1.ts/, "a wrong base", (text) => text.replace("%2Fa%2Fs1.ts", "%2Fs1.ts"));
});

t.test("a playlist behind a redirect is relative to where it was found", async (t) => {
  const resources = {
    "/old/index.m3u8": textResource("", [{ kind: "serve", location: "{other}/new/index.m3u8" }]),
    "{other}/new/index.m3u8": textResource("#EXTM3U\n#EXTINF:1,\ns.ts\n"),
  };
  const item = makeCase("oracles/redirected-playlist", resources, []);
  const text = (base: string): string => `#EXTM3U\n#EXTINF:1,\n${proxied(`${base}/s.ts`)}\n`;
  const check = (wanted: RegExp | null, says: string, base: string): void =>
    finds(t, rewrittenUris, wanted, says, item, [whole("list", "/old/index.m3u8", text(base))]);
  check(null, "the final address", `${otherUrl}/new`);
  check(/leads to http:\/\/127.0.0.1:8001\/old\/s.ts/, "the address that was asked for", `${originUrl}/old`);
});

t.test("with a secret, every URI of a playlist carries it", async (t) => {
  const item = makeCase("oracles/secret", { "/a/index.m3u8": textResource("#EXTM3U\n#EXTINF:1,\ns.ts\n") }, []);
  const check = (wanted: RegExp | null, says: string, prefix: string): void => {
    const text = `#EXTM3U\n#EXTINF:1,\n${targetUrl}${prefix}/http/127.0.0.1:8001/a/s.ts\n`;
    const response = whole("list", "/a/index.m3u8", text);
    const sent = response.sent.replace(/\/proxy\S*/, "/~s3cr%65t/http/127.0.0.1:8001/a/index.m3u8");
    finds(t, rewrittenUris, wanted, says, item, [{ ...response, sent }]);
  };
  check(null, "it does", "/~s3cret");
  check(/without the secret/, "it does not", "");
});

const segment = makeCase("oracles/segment", { "/seg.ts": textResource("0123456789") }, []);
const gone = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n";

t.test("an error of the origin is told when the origin tells it, and never again", async (t) => {
  const error = (request: string, more: Partial<WireResponse>): WireResponse =>
    answer(request, "/seg.ts", gone, "gone", more);
  const entry = asked("/seg.ts", 4, { status: 404 });
  finds(t, nothingStoredFromFaults, null, "passed on", segment, [error("a", {})], [entry]);
  const later = error("b", { sentMs: 100, headMs: 110, endMs: 120 });
  const stored = /404, though the origin was not asked/;
  finds(t, nothingStoredFromFaults, stored, "from the cache", segment, [error("a", {}), later], [entry]);
  const made = [whole("a", "/seg.ts", "gone")];
  finds(t, nothingStoredFromFaults, /errors only/, "an error's body as the resource", segment, made, [entry]);
  const own = [answer("a", "/seg.ts", gone.replace("text/plain", "application/problem+json"), "{}")];
  finds(t, nothingStoredFromFaults, null, "a problem of the proxy's own", segment, own, []);
});

t.test("the origin sees nothing that is the player's or the hop's own affair", async (t) => {
  const check = (wanted: RegExp | null, says: string, fields: [string, string][], target = "/seg.ts"): void => {
    const item = makeCase("oracles/fields", { ...segment.origin.resources, ...playlistCase.origin.resources }, []);
    const player = whole("a", target, "", { fields: "X-Own: 1\r\nIcy-MetaData: 1\r\nRange: bytes=0-\r\n" });
    const entry = asked(target, 10);
    const all = [...entry.fields.filter(([name]) => !fields.some(([other]) => other === name)), ...fields];
    finds(t, originSeesNoPrivateFields, wanted, says, item, [player], [{ ...entry, fields: all }]);
  };
  check(null, "a good request", [["Range", "bytes=0-9"]]);
  check(/icy-metadata: 1/, "Icy-MetaData", [["Icy-MetaData", "1"]]);
  check(/te: trailers/, "a hop's field", [["TE", "trailers"]]);
  check(/the player's X-Own: 1/, "a field of no table", [["X-Own", "1"]]);
  check(/range: bytes=0- for a playlist/, "Range for a playlist", [["Range", "bytes=0-"]], "/a/index.m3u8");
  check(/accept-encoding: gzip for media/, "a coded segment", [["Accept-Encoding", "gzip"]]);
  const host: [string, string] = ["Host", "127.0.0.1:8001"];
  check(/2 Host fields/, "two hosts", [host, ["host", "127.0.0.1:8001"]]);
});

t.test("credentials do not follow a redirect to another origin (R-REDIRECT-3)", async (t) => {
  const item = makeCase(
    "oracles/redirected-credentials",
    { "/seg.ts": textResource("", [{ kind: "serve", location: "{other}/there.ts" }]), "/there.ts": textResource("x") },
    [],
  );
  const player = whole("a", "/seg.ts", "x", { fields: "Authorization: Basic eDp5\r\n" });
  const entry = asked("/there.ts", 1, { origin: "other" });
  finds(t, originSeesNoPrivateFields, null, "none", item, [player], [entry]);
  const carried = { ...entry, fields: [...entry.fields, ["Authorization", "Basic eDp5"] as [string, string]] };
  finds(t, originSeesNoPrivateFields, /authorization after a redirect/, "carried along", item, [player], [carried]);
});

t.test("Cache-Status says what the origin saw", async (t) => {
  const check = (wanted: RegExp | null, says: string, status: string, origin: OriginEntry[]): void => {
    const head = `HTTP/1.1 200 OK\r\nContent-Length: 10\r\n${status.includes("hit") ? "Age: 1\r\n" : ""}`;
    const times = { sentMs: 10, headMs: 60, endMs: 90 };
    const response = answer("a", "/seg.ts", `${head}Cache-Status: reelcache; ${status}\r\n`, "0123456789", times);
    finds(t, cacheStatusTrue, wanted, says, segment, [response], origin);
  };
  const entry = asked("/seg.ts", 10, { startMs: 30, endMs: 40 });
  check(null, "a miss", "fwd=uri-miss; fwd-status=200; stored", [entry]);
  check(null, "a hit", "hit", []);
  check(/a hit, but the origin was asked meanwhile/, "a hit that was none", "hit", [entry]);
  check(/the origin saw no request/, "a miss that was none", "fwd=uri-miss", []);
  check(/fwd-status=200, but the origin answered 404/, "another status", "fwd=uri-miss; fwd-status=200", [
    { ...entry, status: 404 },
  ]);
  check(/hit beside stored/, "a hit with a forward's parameter", "hit; stored", []);
  check(/a hit with Set-Cookie/, "a stored cookie (R-STORE-9)", "hit\r\nSet-Cookie: a=1", []);
  check(/a hit of no-store/, "what may not be stored (R-STORE-3)", "hit\r\nCache-Control: No-Store", []);
  check(null, "no-store in quotes is none", 'hit\r\nCache-Control: x="a, no-store"', []);
  check(/stored without fwd/, "a parameter without its fwd", "stored", []);
  const ageless = answer(
    "a",
    "/seg.ts",
    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nCache-Status: reelcache; hit\r\n",
    "0123456789",
  );
  finds(t, cacheStatusTrue, /a hit without Age/, "a hit without Age (R-RESP-15)", segment, [ageless], []);
});
