/** The composition root: the only place that knows every part, makes them in order and ends them in reverse. */
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { ErrorCode } from "../core/base/errors.ts";
import { defaultLimits } from "../core/base/limits.ts";
import { controlAnswer, controlHead, controlProblem } from "../core/exchange/control-answer.ts";
import type { ControlCommand } from "../core/exchange/control-command.ts";
import { problemHead } from "../core/exchange/problem.ts";
import { clearProxy, connectivityChanged, loadEntries, proxyTick } from "../core/exchange/proxy-events.ts";
import type { CoreOptions, PlayerRequest, ProxyState, Validation } from "../core/exchange/proxy-state.ts";
import { newProxyState } from "../core/exchange/proxy-state.ts";
import {
  admitRequest,
  hasContent,
  refuse,
  startExchange,
  validationExchange,
} from "../core/exchange/request-admission.ts";
import { cacheStatusText, newNote } from "../core/response/cache-status.ts";
import { problemBody } from "../core/response/problem-body.ts";
import type { ResponseHead } from "../core/response/response-head.ts";
import type { Options } from "../options.ts";
import { BufferPool } from "./buffer-pool.ts";
import { prepareDirectory } from "./cache-directory.ts";
import { CacheIndex } from "./cache-index.ts";
import { Engine } from "./engine.ts";
import type { ExchangeRunner } from "./exchange-runner.ts";
import type { Listener } from "./listener.ts";
import { listen } from "./listener.ts";
import type { LocalPages } from "./local-pages.ts";
import { localPage } from "./local-pages.ts";
import type { Log } from "./log.ts";
import { loggedUrl, openLog } from "./log.ts";
import { MemoryTier } from "./memory-tier.ts";
import { OriginClient, readBlockBytes } from "./origin-client.ts";
import { ReadMemory } from "./read-memory.ts";
import { writeHead } from "./response-writer.ts";
import { SpanFiles } from "./span-files.ts";
import { SpanJournal } from "./span-journal.ts";
import { withTexts } from "./text-shelf.ts";

/** What an exchange came to, for listeners. */
export type ExchangeReport = {
  id: number;
  url: string;
  status: number;
  cacheStatus: string;
  bytesFromDisk: number;
  bytesFromFlights: number;
  ms: number;
};

export type AppListeners = {
  onExchange: (report: ExchangeReport) => void;
  onEvent: (name: "evicted" | "breaker", detail: string) => void;
};

/** What the library's caller decides. */
export type AppHooks = {
  /** The URL that stands for a URL in its cache key. */
  keyUrl: (url: string) => string;
  /** Gives `done` a URL that the origin takes in place of one that it refused with `status`, or null. */
  resign: ((url: string, status: number, done: (url: string | null) => void) => void) | null;
};

/** A running proxy. */
export type App = {
  port: number;
  state: ProxyState;
  engine: Engine;
  index: CacheIndex;
  pages: LocalPages;
  log: Log;
  stop: () => Promise<void>;
  clear: () => void;
  networkChanged: (isOnline: boolean) => void;
  trimMemory: () => void;
  validate: (url: string, fields: string[], done: (found: Validation) => void) => void;
};

/** How long the end waits for received bytes to reach the disk, in milliseconds. */
const stopGraceMs = 5_000;

/** How long stored bytes stay in memory unused, in milliseconds. */
const memoryIdleMs = 60_000;

/** An operating error of the start that is not a socket's. */
export class StartError extends Error {}

/** Starts a proxy. Rejects with a `StartError`, or the socket's error when the address cannot be listened on. */
export async function startApp(options: Options, listeners: AppListeners, hooks: AppHooks): Promise<App> {
  const log = openLog(options.logLevel, options.logFormat);
  // Before the directory is locked.
  const tls = originTls(options.originCa);
  const directory = prepareDirectory(options.cacheDir);
  if (!directory.ok) throw new StartError(directory.message);
  const core = coreOptions(options);
  core.keyUrl = hooks.keyUrl;
  core.resigns = hooks.resign !== null;
  const limits = core.limits;
  const onError = (error: Error): void => log.warn({ err: error }, "the cache's storage has a problem");
  const index = new CacheIndex(directory.dir, {
    journalMs: limits.journalMs,
    journalRowsMax: limits.journalRowsMax,
    onError,
  });
  const entries = index.load();
  const now = (): number => Date.now();
  const state = newProxyState(core, index.firstId(), now() + options.evictionDelayMs);
  loadEntries(state, entries);
  const files = new SpanFiles(directory.dataDir, {
    openFilesMax: limits.openFilesMax,
    // What is written holds a slot until it is: more descriptors than slots would only wait for the journal.
    unreadFilesMax: Math.max(1, Math.min(limits.slotsMax, limits.openFilesMax)),
    firstNewId: index.firstId(),
    onError,
  });
  // All that the slots' flights may hold: a block made anew counts towards a collection of the whole heap.
  const readBlocksKept = Math.ceil((limits.slotsMax * limits.tailBytesMax) / readBlockBytes);
  const readMemory = new ReadMemory(readBlockBytes, readBlocksKept);
  const origin = new OriginClient({
    limits,
    memory: readMemory,
    allow: options.allowUpstream,
    allowPrivate: options.allowPrivate,
    tls,
    log: { debug: (fields, message) => log.debug(fields, message) },
  });
  const journal = new SpanJournal({
    sync: (id, done) => files.sync(id, done),
    record: (id, start, end) => index.spans(id, start, end),
    journalMs: limits.journalMs,
    onError,
  });
  const engine = new Engine({
    state,
    origin,
    files,
    index,
    journal,
    pool: new BufferPool(limits.readPieceBytes, 64),
    memory: new MemoryTier({ bytesMax: limits.memoryBytesMax, idleMs: memoryIdleMs }),
    readMemory,
    log,
    now,
    freeDiskReserveBytes: options.freeDiskReserveBytes,
    resign: hooks.resign,
    onExchange: (runner) => listeners.onExchange(report(runner, now(), log)),
    onEvent: listeners.onEvent,
  });
  engine.run((nowMs) => engine.checkReserve(nowMs));
  const pages: LocalPages = { find: null };
  let stopping = false;
  const end = async (): Promise<void> => {
    await new Promise<void>((resolve) => engine.stop(stopGraceMs, resolve));
    await new Promise<void>((resolve) => origin.close(resolve));
    await new Promise<void>((resolve) => journal.flush(resolve));
    await new Promise<void>((resolve) => files.closeAll(resolve));
    engine.memory.clear();
    index.close();
    directory.release();
  };
  let listener: Listener;
  try {
    listener = await listen(options.host, options.port, {
      limits,
      takesContent: options.policy === "http",
      onRequest: (request, response, content) => onRequest(engine, pages, stopping, request, response, content),
      problem: (code, detail) => plainProblem(state, code, detail, now()),
    });
  } catch (error) {
    await end();
    throw error;
  }
  index.sweep((removed) => {
    if (removed > 0) log.info({ removed }, "data files without a row are deleted");
  });
  const evictionTimer = setTimeout(() => engine.run((nowMs) => proxyTick(state, nowMs)), options.evictionDelayMs);
  evictionTimer.unref();
  return {
    port: listener.port,
    state,
    engine,
    index,
    pages,
    log,
    stop: async () => {
      stopping = true;
      clearTimeout(evictionTimer);
      await listener.close();
      await end();
    },
    clear: () => {
      engine.run(() => clearProxy(state));
      index.flush();
    },
    networkChanged: (isOnline) => engine.run((nowMs) => connectivityChanged(state, isOnline, nowMs)),
    trimMemory: () => {
      engine.memory.clear();
      engine.pool.trim();
      readMemory.trim();
    },
    validate: (url, fields, done) => {
      engine.run((nowMs) => {
        const exchange = validationExchange(state, url, fields, nowMs);
        engine.whenValidated(exchange, done);
        startExchange(state, exchange, nowMs);
      });
    },
  };
}

function originTls(caPath: string): { ca?: Buffer } {
  if (caPath === "") return {};
  try {
    return { ca: readFileSync(caPath) };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new StartError(`origin-ca: ${JSON.stringify(caPath)} cannot be read (${code}); it must be a PEM file`);
  }
}

/** The core's view of the options. */
export function coreOptions(options: Options): CoreOptions {
  return {
    limits: { ...defaultLimits, ...options.limits },
    policy: options.policy,
    keyUrl: (url) => url,
    keyRules: { dropParameters: options.dropParameters, keepParameters: options.keepParameters },
    secret: Buffer.from(options.secret, "utf8").toString("latin1"),
    allowedHosts: options.allowedHosts,
    allowUpstream: options.allowUpstream,
    playlistFreshMs: options.playlistFreshSeconds * 1000,
    ignoreNoStore: options.ignoreNoStore,
    validateOutdated: options.validateOutdated,
    apart: options.identity === "apart",
    shared: options.shared,
    heuristicPercent: options.heuristicPercent,
    startAhead: options.startAhead,
    delivery: options.delivery,
    headMs: options.headSeconds * 1000,
    headSegments: options.headSegments,
    offlineFilter: options.offlineFilter,
    offlineMs: options.offlineSeconds * 1000,
    warmFirst: options.warmFirst,
    cors: options.cors,
    keepAlive: options.keepAlive,
    // R-FIELD-16
    forwardFields: options.policy === "http" ? options.forwardFields.concat("*") : options.forwardFields,
    requestFields: options.requestFields,
    responseFields: options.policy === "http" ? options.responseFields.concat("*") : options.responseFields,
    maxCacheBytes: options.maxCacheBytes,
    resigns: false,
  };
}

/** Carries out a request; whether it takes the content. */
function onRequest(
  engine: Engine,
  pages: LocalPages,
  stopping: boolean,
  request: PlayerRequest,
  response: ServerResponse,
  content: Readable,
): boolean {
  const { state } = engine;
  let takesContent = false;
  engine.run((nowMs) => {
    const admission = stopping ? refuse(state, request, "stopping", "", nowMs) : admitRequest(state, request, nowMs);
    if (admission.kind === "answer") {
      send(response, admission.head, Buffer.from(admission.content, "latin1"));
    } else if (admission.kind === "local") {
      const page = localPage(engine, pages, request, admission.path, nowMs);
      send(response, page.head, request.method === "HEAD" ? Buffer.alloc(0) : page.body);
    } else if (admission.kind === "control") {
      answerControl(engine, request, admission.command, response);
    } else {
      takesContent = admission.exchange.verb !== "" && hasContent(request);
      if (takesContent) engine.keepContent(admission.exchange, content);
      const runner = engine.attach(admission.exchange, response);
      startExchange(state, admission.exchange, nowMs);
      engine.drain();
      runner.listen();
    }
  });
  return takesContent;
}

function answerControl(
  engine: Engine,
  request: PlayerRequest,
  command: ControlCommand,
  response: ServerResponse,
): void {
  const { state } = engine;
  withTexts(
    engine,
    (shelf, nowMs) => controlAnswer(state, command, shelf, nowMs),
    (found) => {
      const answer = found ?? controlProblem("stopping", "");
      const head = controlHead(state, request, answer, engine.now());
      send(response, head, Buffer.from(request.method === "HEAD" ? "" : answer.content, "latin1"));
    },
  );
}

function send(response: ServerResponse, head: ResponseHead, body: Buffer): void {
  writeHead(response, head);
  response.end(body);
}

function plainProblem(
  state: ProxyState,
  code: ErrorCode,
  detail: string,
  nowMs: number,
): { head: ResponseHead; content: string } {
  const content = problemBody(code, detail, null);
  return { head: problemHead(state, code, content, newNote(code), 1, false, nowMs), content };
}

function report(runner: ExchangeRunner, nowMs: number, log: Log): ExchangeReport {
  const { exchange } = runner;
  const result: ExchangeReport = {
    id: exchange.id,
    url: exchange.url,
    status: exchange.status,
    cacheStatus: cacheStatusText(exchange.note),
    bytesFromDisk: runner.bytesFromDisk,
    bytesFromFlights: runner.bytesFromFlights,
    ms: nowMs - exchange.startMs,
  };
  if (log.isLevelEnabled("debug")) log.debug({ ...result, url: loggedUrl(exchange.url) }, "exchange");
  return result;
}
