/** Runs transfers of the origin client in tests and keeps everything they said. */
import { defaultLimits, type Limits } from "../../core/base/limits.ts";
import {
  OriginClient,
  type OriginClientOptions,
  type OriginFailure,
  type OriginHead,
  type OriginRequest,
  type OriginTransfer,
} from "../../edge/origin-client.ts";
import type { RawTest } from "./raw-origin.ts";

/** What a transfer has said so far. */
export type Fetched = {
  transfer: OriginTransfer;
  head: OriginHead | null;
  pieces: Buffer[];
  /** Bytes in `pieces`. */
  size: number;
  failure: OriginFailure | null;
  /** Whether onDone was called. */
  done: boolean;
  /** Event names in order, repeated data events once: "head data done". */
  story: string;
  /** Resolves at onDone, or never. */
  over: Promise<Fetched>;
};

/** Reactions of a test to events. */
export type FetchHooks = {
  onHead?: (fetched: Fetched) => void;
  onData?: (fetched: Fetched, bytes: Buffer) => void;
  onDone?: (fetched: Fetched) => void;
};

/** A client that may reach the loopback interface, closed at the test's teardown. */
export function testClient(t: RawTest, options: Partial<OriginClientOptions> = {}): OriginClient {
  const log = { debug: () => undefined };
  const client = new OriginClient({ limits: defaultLimits, allow: [], allowPrivate: ["127.0.0.1:*"], log, ...options });
  t.teardown(() => new Promise<void>((resolve) => client.close(resolve)));
  return client;
}

/** Default limits with some lowered. */
export function testLimits(some: Partial<Limits>): Limits {
  return { ...defaultLimits, ...some };
}

/** Starts a GET, or the request given in part, and records its events. */
export function originFetch(
  client: OriginClient,
  url: string,
  request: Partial<OriginRequest> = {},
  hooks: FetchHooks = {},
): Fetched {
  const over = Promise.withResolvers<Fetched>();
  const say = (event: string): void => {
    const word = fetched.done ? `LATE-${event}` : event;
    if (!fetched.story.endsWith(word)) fetched.story = `${fetched.story} ${word}`.trimStart();
  };
  const fetched: Fetched = {
    transfer: { pause: () => undefined, resume: () => undefined, abort: () => undefined },
    head: null,
    pieces: [],
    size: 0,
    failure: null,
    done: false,
    story: "",
    over: over.promise,
  };
  const { headSilenceMs } = request.limits ?? defaultLimits;
  fetched.transfer = client.start(
    { method: "GET", url, fields: [], limits: defaultLimits, headSilenceMs, passes: null, ...request },
    {
      onHead: (head) => {
        say("head");
        fetched.head = head;
        hooks.onHead?.(fetched);
      },
      onData: (bytes) => {
        say("data");
        fetched.pieces.push(bytes);
        fetched.size += bytes.length;
        hooks.onData?.(fetched, bytes);
      },
      onDone: (failure) => {
        say("done");
        fetched.done = true;
        fetched.failure = failure;
        hooks.onDone?.(fetched);
        over.resolve(fetched);
      },
    },
  );
  return fetched;
}

/** The body received so far. */
export function fetchedBody(fetched: Fetched): Buffer {
  return Buffer.concat(fetched.pieces);
}
