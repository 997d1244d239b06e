/**
 * hls.js in Chromium follows a content steering manifest and plays the assets of interstitials through the proxy, in both
 * forms: it switches to a clone of a pathway on another host, and asks nobody but the proxy.
 */
import t, { type Test } from "tap";
import { startPlayerPage } from "./support/browser.ts";
import { startMediaOrigin } from "./support/media-origin.ts";
import { proxy, scratch } from "./support/wire-bench.ts";

const type = "application/vnd.apple.mpegurl";
const json = "application/json";

const manifest = {
  VERSION: 1,
  TTL: 1,
  "RELOAD-URI": "steer?session=2",
  "PATHWAY-PRIORITY": ["C", "A"],
  "PATHWAY-CLONES": [
    { "BASE-ID": "A", ID: "C", "URI-REPLACEMENT": { HOST: "localhost", PARAMS: { token: "of the clone" } } },
  ],
};
const assetList = { ASSETS: [{ URI: "../ts/index.m3u8", DURATION: 10 }] };
const dateRange =
  '#EXT-X-DATERANGE:ID="ad",CLASS="com.apple.hls.interstitial",START-DATE="2026-01-01T00:00:00Z",CUE="PRE",X-ASSET-LIST="/ads/list.json"\n';

const origin = await startMediaOrigin(t, (path, _query, text) => {
  if (path === "/multivariant/steer") return { type: json, text: JSON.stringify(manifest) };
  if (path === "/ads/list.json") return { type: json, text: JSON.stringify(assetList) };
  if (path === "/multivariant/index.m3u8") {
    const steering = '#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI="steer?session=1",PATHWAY-ID="A"\n';
    return {
      type,
      text: text.replace("#EXTM3U\n", steering).replaceAll("#EXT-X-STREAM-INF:", '#EXT-X-STREAM-INF:PATHWAY-ID="A",'),
    };
  }
  if (path === "/fmp4/index.m3u8") {
    const dated = `${dateRange}#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF`;
    return { type, text: text.replace("#EXTINF", dated) };
  }
  return null;
});
const players = await startPlayerPage();
t.teardown(() => players.close());

/** The URL of a path in one of the forms, of a proxy of its own: what one run stored would be asked for by none again. */
async function proxied(t: Test, form: string, path: string): Promise<string> {
  const server = await proxy(t, { cacheDir: scratch(t), allowPrivate: ["127.0.0.1:*", "localhost:*"] });
  origin.log.length = 0;
  players.requests.length = 0;
  const query = `${server.url}/proxy?url=${encodeURIComponent(origin.url + path)}`;
  return form === "query" ? query : `${server.url}/http/127.0.0.1:${origin.port}${path}`;
}

const forms = ["query", "path"];

for (const form of forms) {
  t.test(`hls.js switches to a clone's host through the proxy, ${form} form`, async (t) => {
    const url = await proxied(t, form, "/multivariant/index.m3u8");
    const [played] = await players.play("hls.js", [{ name: form, url }]);
    t.equal(played?.end, "ended");
    const asked = origin.log.map(({ target, host }) => `${host} ${target}`);
    const clone = `localhost:${origin.port} /multivariant/v`;
    t.ok(
      asked.some((line) => line.startsWith(clone) && line.includes("token=of%20the%20clone")),
      "a clone's variant",
    );
    t.ok(
      asked.some((line) => line.startsWith(clone) && line.includes("/seg")),
      "a clone's segment",
    );
    t.ok(
      asked.some((line) => line.includes("/steer?session=1&_HLS_pathway=A&_HLS_throughput=")),
      "the manifest",
    );
    t.ok(
      asked.some((line) => line.includes("/steer?session=2&_HLS_pathway=C")),
      "its reload, from the clone's pathway",
    );
    t.same(
      asked.filter((line) => line.includes("reelcache") || line.includes("as=")),
      [],
      "nothing of the proxy's own",
    );
    t.same(strays(), [], "all through the proxy");
  });
}

for (const form of forms) {
  t.test(`hls.js plays the assets of an interstitial through the proxy, ${form} form`, async (t) => {
    const url = await proxied(t, form, "/fmp4/index.m3u8");
    const [played] = await players.play("hls.js", [{ name: form, url }]);
    t.equal(played?.end, "ended");
    const lists = origin.log.filter(({ target }) => target.startsWith("/ads/list.json?_HLS_primary_id="));
    t.equal(lists.length, 1, "the asset list, with what the player says of itself");
    const segments = players.requests.filter(({ url }) => url.includes("ts%2Fseg") || url.includes("/ts/seg"));
    t.ok(segments.length > 0, "the asset's segments");
    t.same(strays(), [], "all through the proxy");
  });
}

/** What the page asked of the origin itself. */
function strays(): string[] {
  const direct = new RegExp(`^http://[^/]*:${origin.port}/`);
  return players.requests.map(({ url }) => url).filter((url) => direct.test(url));
}
