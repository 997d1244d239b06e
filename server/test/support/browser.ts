/**
 * Chromium as a player: one page with a video element per presentation, played to its end by hls.js or natively.
 * A fresh context for each run, so that the browser's own cache cannot stand in for the proxy's.
 */
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";

export type Engine = "hls.js" | "native";

/** What became of one presentation. */
export type Played = {
  name: string;
  /** "ended", or what went wrong. */
  end: string;
  /** Where the playback stood at its end, in seconds. */
  seconds: number;
  /** Frames that were decoded. */
  frames: number;
};

/** `seconds`: so many of a stream without an end, at its own pace; absent, to the end. */
export type PlayItem = { name: string; url: string; seconds?: number };

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
];

/** Longest that one page of presentations may play, in milliseconds. */
const patienceMs = 60_000;

const pageHtml =
  "<!doctype html><meta charset=utf-8><title>players</title><script src=/hls.js></script><script src=/play.js></script>";

/** Runs in the page: plays one item to its end, four times as fast as it was made, or for so many seconds. */
const pageScript = `
"use strict";
function playItem(item, engine) {
  return new Promise((resolve) => {
    const video = document.createElement("video");
    video.muted = true;
    video.width = 160;
    document.body.append(video);
    let hls = null;
    const done = (end) => {
      const frames = video.getVideoPlaybackQuality().totalVideoFrames;
      resolve({ name: item.name, end, seconds: video.currentTime, frames });
      if (hls !== null) hls.destroy();
      video.remove();
    };
    video.addEventListener("ended", () => done("ended"));
    video.addEventListener("error", () => done("media error: " + (video.error ? video.error.message : "unknown")));
    if (item.seconds === undefined) {
      video.addEventListener("playing", () => { video.playbackRate = 4; });
    } else {
      let beganAt = -1;
      video.addEventListener("timeupdate", () => {
        if (beganAt < 0) beganAt = video.currentTime;
        if (video.currentTime - beganAt >= item.seconds) done("seen");
      });
    }
    if (engine === "native") {
      video.src = item.url;
    } else {
      hls = new Hls({ enableWorker: false, startPosition: item.seconds === undefined ? 0 : -1 });
      hls.on(Hls.Events.ERROR, (_event, data) => { if (data.fatal) done("hls.js: " + data.type + " " + data.details); });
      hls.loadSource(item.url);
      hls.attachMedia(video);
    }
    // An interstitial that comes first takes the element: what was begun before is given up, and nothing is wrong.
    video.play().catch((error) => { if (error.name !== "AbortError") done("play: " + error.message); });
    setTimeout(() => {
      const ends = [...Array(video.buffered.length).keys()].map((at) => video.buffered.end(at));
      const how = video.paused ? "paused" : "playing";
      done("not at its end in time: " + how + " at " + video.currentTime + " of " + video.duration + ", buffered to " + ends);
    }, ${patienceMs - 10_000});
  });
}
`;

/** A request that a page made: its URL and its Range field, "" without one. */
export type PageRequest = { url: string; range: string };

export type PlayerPage = {
  /** Plays all items at once in a fresh browser context. */
  play(engine: Engine, items: PlayItem[]): Promise<Played[]>;
  /** What the pages of `play` have asked for so far. */
  requests: PageRequest[];
  close(): Promise<void>;
};

/** Starts Chromium and the page's own small server. */
export async function startPlayerPage(): Promise<PlayerPage> {
  const hlsScript = readFileSync(fileURLToPath(import.meta.resolve("hls.js/dist/hls.min.js")));
  const server = createServer((request, response) => {
    if (request.url === "/hls.js") response.setHeader("Content-Type", "text/javascript").end(hlsScript);
    else if (request.url === "/play.js") response.setHeader("Content-Type", "text/javascript").end(pageScript);
    else if (request.url === "/") response.setHeader("Content-Type", "text/html").end(pageHtml);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: flags });
  const requests: PageRequest[] = [];
  return {
    play: (engine, items) => playAll(browser, server, engine, items, requests),
    requests,
    async close() {
      await browser.close();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function playAll(
  browser: Browser,
  server: Server,
  engine: Engine,
  items: PlayItem[],
  requests: PageRequest[],
): Promise<Played[]> {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the page's server has no port");
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    page.on("request", (request) => requests.push({ url: request.url(), range: request.headers().range ?? "" }));
    await page.goto(`http://127.0.0.1:${address.port}/`);
    const expression = `Promise.all(${JSON.stringify(items)}.map((item) => playItem(item, ${JSON.stringify(engine)})))`;
    return await page.evaluate<Played[]>(expression);
  } finally {
    await context.close();
  }
}
