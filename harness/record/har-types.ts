/** HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/) as far as it is read or written here. */

export type HarFile = { log: HarLog };

export type HarLog = {
  version: string;
  creator: { name: string; version: string };
  browser?: { name: string; version: string };
  pages?: unknown[];
  entries: HarEntry[];
  comment?: string;
};

export type HarPair = { name: string; value: string };

/** Times are in milliseconds; -1 is "does not apply". Names that begin with "_" are a tool's own. */
export type HarEntry = {
  startedDateTime: string;
  time: number;
  request: {
    method: string;
    url: string;
    httpVersion: string;
    cookies: unknown[];
    headers: HarPair[];
    queryString: HarPair[];
    headersSize: number;
    bodySize: number;
  };
  response: {
    status: number;
    statusText: string;
    httpVersion: string;
    cookies: unknown[];
    headers: HarPair[];
    content: HarContent;
    redirectURL: string;
    headersSize: number;
    bodySize: number;
  };
  cache: Record<string, unknown>;
  timings: {
    blocked?: number;
    dns?: number;
    connect?: number;
    ssl?: number;
    send: number;
    wait: number;
    receive: number;
  };
  serverIPAddress?: string;
  connection?: string;
  comment?: string;
  /** Set by browsers when nothing was on the wire. */
  _fromCache?: unknown;
  /** Set by our recorder when the player left before the end. */
  _cut?: boolean;
};

export type HarContent = { size: number; mimeType: string; text?: string; encoding?: string; _sha256?: string };
