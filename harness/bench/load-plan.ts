/** What a load client is told, and what it tells (see load-process.ts). Plain data: it goes to other processes. */

export type LoadPlan = {
  /** How the client names itself in notes. */
  client: "wrk" | "own";
  connections: number;
  /** Request targets, asked for in turn; `paths` says which path of the origin each stands for. */
  targets: string[];
  paths: string[];
  /** Further fields of each request, each ended by CRLF. */
  fields: string;
  /** Each request on a connection of its own. */
  close: boolean;
  /** Until the time is up, or each target once. */
  until: "time" | "targets";
  seconds: number;
  status: number;
  /** Length of each body in bytes; null when it is not known beforehand. */
  bytes: number | null;
  /** Shortest body that is right where the length is not known. */
  bytesMin: number;
  /** First byte asked for: where the body begins in the path's content. */
  from: number;
  /** Every so many responses one is compared byte by byte with the origin's content; 0 never does. */
  checkEvery: number;
  /** Requests a second on each connection, however long they take; 0 asks again at once. */
  pacePerSecond: number;
  /** Bytes a second that each connection reads; 0 reads all there is. */
  readBytesPerSecond: number;
  /** Leaves when the time is up, whatever has not come yet. */
  leave: boolean;
};

export type LoadResult = {
  requests: number;
  bytes: number;
  seconds: number;
  /** Each request's time from asking (with connecting, when on a new connection) to first and last byte, in ms. */
  firstByteMs: number[];
  totalMs: number[];
  /** Processor time of the client in seconds. */
  clientCpuSeconds: number;
  /** Wrong or missing answers, the first few in words. */
  faults: string[];
  faultCount: number;
};

/** A plan that asks for these over and over, as fast as the answers come. */
export function plainPlan(targets: string[], paths: string[], bytes: number | null): LoadPlan {
  return {
    client: "own",
    connections: 8,
    targets,
    paths,
    fields: "",
    close: false,
    until: "time",
    seconds: 1,
    status: 200,
    bytes,
    bytesMin: 0,
    from: 0,
    checkEvery: 16,
    pacePerSecond: 0,
    readBytesPerSecond: 0,
    leave: false,
  };
}
