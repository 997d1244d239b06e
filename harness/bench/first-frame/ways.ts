/** The ways in which a player may come to a presentation: past any proxy, through a twin, or through an earlier design. */
import { fileURLToPath } from "node:url";
import type { Contender, RunningContender } from "../bench-types.ts";
import { contenders } from "../contenders/index.ts";
import { deliveringTwins } from "../contenders/twins.ts";
import { freePort, listening, startProcess } from "../processes.ts";

/** A server, started once for a run; each play has URLs that it has not seen. */
export type Server = Pick<Contender, "name" | "missing" | "start">;

export type Way = {
  name: string;
  title: string;
  /** Null goes to the origin itself. */
  server: string | null;
  /**
   * Round trips before the first request of the first new connection: the name, TCP, TLS 1.3; without the name where it
   * is known, and none where a connection is there that the bench cannot keep.
   */
  handshakes: 0 | 2 | 3;
  /** Of how many seconds the media went through the server before, with the playlists; null when nothing did. */
  secondsBefore: number | null;
  /** All of it is stored: asking the origin is wrong. */
  full: boolean;
};

/** What is preloaded, in seconds. */
export const preloadSeconds = 5;

const earlierFile = fileURLToPath(new URL("earlier-server.ts", import.meta.url));

export const servers: Server[] = [
  ...contenders.filter((contender) => contender.name === "reference" || contender.name === "bridge"),
  ...deliveringTwins,
  earlier("download-then-serve"),
  earlier("cdn-first"),
];

export const baselineName = "direct-cold";

export const ways: Way[] = [
  way(baselineName, null, null, "no proxy, a player that has no connection yet"),
  { ...way("direct-warm", null, null, "no proxy, the connection is there"), handshakes: 0 },
  ...["reference", "bridge"].flatMap((twin) => [
    way(`${twin}-cold`, twin, null, "nothing stored, no connection yet"),
    way(`${twin}-preloaded`, twin, preloadSeconds, `what covers the first ${preloadSeconds} s is stored`),
    way(`${twin}-warm`, twin, Number.POSITIVE_INFINITY, "all of it is stored"),
  ]),
  way("reference-head", "reference-head", null, "first play: the first 4 s through the proxy, the rest from the CDN"),
  {
    ...way("reference-head-again", "reference-head", Number.POSITIVE_INFINITY, "second play: the first 4 s are stored"),
    full: false,
  },
  way("reference-cdn-first", "reference-cdn-first", null, "first play: from the CDN, and again in the background"),
  way(
    "reference-cdn-first-again",
    "reference-cdn-first",
    0,
    "second play: what was fetched in the background is stored",
  ),
  way("download-then-serve", "download-then-serve", null, "a segment is answered once it is there as a whole"),
  way("cdn-first", "cdn-first", null, "first play: segments from the CDN, and again in the background"),
  { ...way("cdn-first-again", "cdn-first", 0, "second play: all of it is stored"), full: true },
];

function way(name: string, server: string | null, secondsBefore: number | null, title: string): Way {
  const handshakes = secondsBefore === null ? 3 : 2;
  return { name, title, server, handshakes, secondsBefore, full: secondsBefore === Number.POSITIVE_INFINITY };
}

function earlier(design: string): Server {
  return {
    name: design,
    missing: () => null,
    start: async (place): Promise<RunningContender> => {
      const port = await freePort();
      const started = startProcess(process.execPath, [earlierFile, design, String(port), String(place.originPort)]);
      await listening(started, port);
      return {
        port,
        pid: started.pid,
        targetOf: (path) => `/proxy?url=${encodeURIComponent(`http://127.0.0.1:${place.originPort}${path}`)}`,
        stop: started.stop,
      };
    },
  };
}
