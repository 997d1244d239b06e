/** What commands for a cache print in a terminal. */
import { escapeUri } from "../core/playlist/uri-mapper.ts";
import { formatByteCount } from "../option-text.ts";

type Answer = Record<string, unknown>;

/** One line of `ls`: kind, stored and whole size, a mark for what is pinned, URL. */
export function entryText(entry: Answer): string {
  const bytes = Number(entry.bytes);
  const total = Number(entry.total);
  const size = bytes === total ? formatByteCount(bytes) : `${formatByteCount(bytes)} of ${sizeText(total)}`;
  return `${String(entry.kind).padEnd(12)} ${size.padEnd(22)} ${entry.pinned === true ? "pinned " : ""}${shownUrl(entry.url)}\n`;
}

/** A line that says how far a preload came, at most `columns` wide, blank to the end of the longest before it. */
export function preloadText(preload: Answer, columns: number): string {
  const done = Number(preload.milliseconds);
  const all = Number(preload.millisecondsAll);
  const share = preload.state === "done" ? 1 : all > 0 ? done / all : 0;
  const filled = Math.round(share * barWidth);
  const bar = `[${"#".repeat(filled)}${"-".repeat(barWidth - filled)}]`;
  const played = all > 0 ? `  ${seconds(done)} of ${seconds(all)} s` : "";
  const end = preload.state === "active" ? "" : `  ${preload.state}${preload.cause === "" ? "" : `: ${preload.cause}`}`;
  const text = `${bar} ${formatByteCount(Number(preload.bytes))}${played}${end}`;
  return text.padEnd(lineWidth).slice(0, Math.max(1, columns - 1));
}

/** The answer of `why`, in sentences. */
export function statusText(status: Answer): string {
  const lines = [
    status.complete === true
      ? "plays without a network"
      : status.playable === true
        ? "begins to play without a network, and does not play to its end"
        : "does not play without a network",
    `${status.entries} resources, ${formatByteCount(Number(status.bytes))} stored`,
  ];
  for (const way of status.ways as Answer[]) {
    const ranges = way.ranges as number[];
    const times: string[] = [];
    for (let at = 0; at + 1 < ranges.length; at += 2)
      times.push(`${seconds(ranges[at])} to ${seconds(ranges[at + 1])} s`);
    const stored = times.length === 0 ? "nothing" : times.join(", ");
    lines.push(
      `${shownUrl(way.url)}: ${stored}${Number(way.milliseconds) > 0 ? ` of ${seconds(way.milliseconds)} s` : ""}`,
    );
  }
  for (const missing of status.missing as Answer[]) {
    const range = missing.end === -1 ? "" : `, bytes ${missing.start} to ${Number(missing.end) - 1}`;
    const name = missing.url === "" ? "its line names none" : `${missing.url}${range}`;
    lines.push(missing.what === "live" ? `not finished: ${name}` : `missing ${missing.what}: ${name}`);
  }
  return `${lines.join("\n")}\n`;
}

/** A URL without the bytes that a terminal would take for something else than text. */
function shownUrl(url: unknown): string {
  return escapeUri(String(url));
}

const barWidth = 24;

/** Longer than any line that says how far a preload came. */
const lineWidth = 79;

function seconds(ms: unknown): string {
  return (Number(ms) / 1000).toFixed(1);
}

function sizeText(total: number): string {
  return total < 0 ? "unknown" : formatByteCount(total);
}
