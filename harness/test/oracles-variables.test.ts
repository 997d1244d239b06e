/** The oracles that read variables and JSON bodies: each names what is wrong, and is silent about what is right. */
import t, { type Test } from "tap";
import type { Case } from "../case/case-types.ts";
import type { Oracle, WireResponse } from "../case/result-types.ts";
import { jsonUris } from "../oracles/json-uris.ts";
import { rewrittenUris } from "../oracles/rewritten-uris.ts";
import { makeCase, textResource } from "./support/cases.ts";
import { contextOf, originUrl, targetUrl, whole } from "./support/transcripts.ts";

function finds(t: Test, oracle: Oracle, wanted: RegExp | null, says: string, item: Case, response: WireResponse): void {
  const found = oracle.check(contextOf(item, [response]));
  if (wanted === null) t.strictSame(found, [], says);
  else t.match(found[0]?.message ?? "(nothing found)", wanted, says);
}

const proxied = (path: string, own = ""): string =>
  `${targetUrl}/proxy?url=${encodeURIComponent(originUrl + path)}${own}`;

/** The response to a request whose target ends in own parameters. */
function askedWith(own: string, path: string, text: string): WireResponse {
  const response = whole("one", path, text);
  return { ...response, sent: response.sent.replace(" HTTP/1.1", `${own} HTTP/1.1`) };
}

t.test("variables are filled in as a player has them, and travel", async (t) => {
  const tags = '#EXT-X-DEFINE:NAME="n",VALUE="a"\n#EXT-X-DEFINE:IMPORT="i"\n';
  const media = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="g",NAME="m",URI="';
  const original = `#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM="q"\n${tags}${media}{$n}/{$i}/{$q}.m3u8"\n${media}{$z}.m3u8"\n`;
  const item = makeCase("oracles/variables", { "/p.m3u8?q=c": textResource(original) }, []);
  const own = "&define=i%3Ab";
  const uri = proxied("/a/b/c.m3u8", "&define=q%3Ac%2Cn%3Aa%2Ci%3Ab");
  const named = '#EXTM3U\n#EXT-X-DEFINE:NAME="q",VALUE="c"\n';
  const right = `${named}${tags}${media}${uri}"\n${media}{$z}.m3u8"\n`;
  const check = (wanted: RegExp | null, says: string, text: string): void =>
    finds(t, rewrittenUris, wanted, says, item, askedWith(own, "/p.m3u8?q=c", text));
  check(null, "a right one", right);
  check(/leads to .*\/x\/b\/c\.m3u8, not to .*\/a\/b\/c\.m3u8/, "another value", right.replace("2Fa%2F", "2Fx%2F"));
  check(/carries .*, not \[\["q","c"\]/, "variables that stay at home", right.replace("&define=q%3Ac%2C", "&define="));
  check(/\{\$z\}\.m3u8 became/, "a value for what has none", right.replace('"{$z}.m3u8', `"${proxied("/z.m3u8")}`));
  check(
    /line 2: .*QUERYPARAM/,
    "a query that the player does not see",
    right.replace('NAME="q",VALUE="c"', 'QUERYPARAM="q"'),
  );
});

t.test("what an asset list names leads back, and nothing else changes", async (t) => {
  const original = '{ "ASSETS": [ {"URI":"a\\/1.m3u8", "DURATION":1.0} ], "URI":"n" }';
  const item = makeCase("oracles/assets", { "/l.json": textResource(original) }, []);
  const right = original.replace("a\\/1.m3u8", proxied("/a/1.m3u8"));
  const check = (wanted: RegExp | null, says: string, text: string): void =>
    finds(t, jsonUris, wanted, says, item, askedWith("&as=asset-list", "/l.json", text));
  check(null, "a right one", right);
  check(/leads to null, not to/, "a URI that was forgotten", original);
  check(/\/URI: n became/, "a URI that is none", right.replace('"n"', '"m"'));
  check(/bytes outside/, "another number format", right.replace("1.0", "1.00"));
  check(/bytes outside/, "white space lost", right.replace("{ ", "{"));
  check(/what was JSON is none/, "a cut text", right.slice(0, -1));
});

t.test("a steering manifest leads back, and the proxy is told a clone's host", async (t) => {
  const clone = '{"ID":"C","URI-REPLACEMENT":{"HOST":"c.example","PER-VARIANT-URIS":{"v":"v.m3u8"}}}';
  const original = `{"RELOAD-URI":"s?2","PATHWAY-CLONES":[${clone}]}`;
  const item = makeCase("oracles/steering", { "/s": textResource(original) }, []);
  const own = "&as=steering&define=d%3A1";
  const right = original
    .replace("s?2", proxied("/s?2", own))
    .replace('"HOST":"c.example"', '"PARAMS":{"reelcache-host":"c.example"},"HOST":"127.0.0.1"')
    .replace("v.m3u8", proxied("/v.m3u8", "&define=d%3A1"));
  const check = (wanted: RegExp | null, says: string, text: string): void =>
    finds(t, jsonUris, wanted, says, item, askedWith(own, "/s", text));
  check(null, "a right one", right);
  check(/another kind/, "a reload that is no manifest", right.replace("&as=steering", ""));
  check(/lacks the variables/, "variables lost", right.replace("m3u8&define=d%3A1", "m3u8"));
  check(
    /HOST is c\.example/,
    "a host before the proxy's port",
    right.replace('"HOST":"127.0.0.1"', '"HOST":"c.example"'),
  );
  check(
    /not told of c\.example/,
    "a host that nobody is told",
    right.replace('"PARAMS":{"reelcache-host":"c.example"},', ""),
  );
});
