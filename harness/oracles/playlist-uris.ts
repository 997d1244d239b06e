/**
 * Two texts of a playlist side by side, line by line: where the URIs stand, and what else differs. A reader of its own, by
 * regular expressions, so that it shares nothing with the rewriting that it judges.
 */

/** A URI of the original and what stands in its place. */
export type UriPair = { before: string; after: string; line: number };

/** Both texts compared: the pairs in order, and every difference outside of URIs. */
export type Comparison = { pairs: UriPair[]; differences: string[] };

/** Tags whose quoted attribute holds a URI (rfc8216bis sections 4.4.4 to 4.4.6, appendices D and F). */
const uriAttributes: { tag: string; attribute: string; when: RegExp | null }[] = [
  ...["PART", "KEY", "MAP", "MEDIA", "I-FRAME-STREAM-INF", "IMAGE-STREAM-INF", "SESSION-KEY", "SESSION-DATA"],
  ...["PRELOAD-HINT", "RENDITION-REPORT"],
].map((name) => ({ tag: `#EXT-X-${name}`, attribute: "URI", when: null as RegExp | null }));
uriAttributes.push(
  { tag: "#EXT-X-CONTENT-STEERING", attribute: "SERVER-URI", when: null },
  { tag: "#EXT-X-DATERANGE", attribute: "X-ASSET-URI", when: /CLASS="com\.apple\.hls\.interstitial"/ },
  { tag: "#EXT-X-DATERANGE", attribute: "X-ASSET-LIST", when: /CLASS="com\.apple\.hls\.interstitial"/ },
  { tag: "#EXT-X-DATERANGE", attribute: "X-URI", when: /CLASS="com\.apple\.hls\.preload"/ },
);

const prefetch = "#EXT-X-PREFETCH:";
const byteOrderMark = "\xef\xbb\xbf";

/** Compares two texts (latin1). */
export function comparePlaylists(before: string, after: string): Comparison {
  const result: Comparison = { pairs: [], differences: [] };
  const from = before.split("\n");
  const to = after.split("\n");
  if (from.length !== to.length) {
    result.differences.push(`${from.length} lines became ${to.length}`);
  }
  for (let at = 0; at < Math.min(from.length, to.length); at += 1) {
    compareLine(from[at] ?? "", to[at] ?? "", at + 1, result);
  }
  return result;
}

function compareLine(before: string, after: string, line: number, result: Comparison): void {
  const [lead, content, tail] = splitSpace(before);
  if (content.startsWith("#") && !content.startsWith(prefetch)) {
    compareTag(before, after, content, line, result);
    return;
  }
  const mark = content.startsWith(prefetch) ? `${lead}${prefetch}` : lead;
  const uri = content.startsWith(prefetch) ? content.slice(prefetch.length) : content;
  const kept = after.startsWith(mark) && after.endsWith(tail) && after.length >= mark.length + tail.length;
  if (uri === "" || !kept) {
    if (before !== after) result.differences.push(changedText(line, before, after));
    return;
  }
  const [gap, plain] = splitSpace(uri);
  const mapped = after.slice(mark.length, after.length - tail.length);
  if (!mapped.startsWith(gap)) result.differences.push(changedText(line, before, after));
  else result.pairs.push({ before: plain, after: mapped.slice(gap.length), line });
}

/** Quotes delimit: what stands between two of them may be a URI, all else must stay. */
function compareTag(before: string, after: string, content: string, line: number, result: Comparison): void {
  const tag = /^[^:]*/.exec(content)?.[0] ?? "";
  const rows = uriAttributes.filter((row) => row.tag === tag && (row.when === null || row.when.test(content)));
  const from = before.split('"');
  const to = after.split('"');
  const pairs: UriPair[] = [];
  let same = from.length === to.length;
  for (const [index, piece] of from.entries()) {
    const closed = index % 2 === 1 && index < from.length - 1;
    const name = closed ? /(?:^[^:]*:|,)[ \t]*([^,=:"]+?)[ \t]*=[ \t]*$/.exec(from[index - 1] ?? "")?.[1] : undefined;
    if (rows.some((row) => row.attribute === name) && piece !== "") {
      pairs.push({ before: piece, after: to[index] ?? "", line });
    } else if (piece !== to[index]) {
      same = false;
    }
  }
  if (same) result.pairs.push(...pairs);
  else result.differences.push(changedText(line, before, after));
}

function splitSpace(text: string): [string, string, string] {
  const mark = text.startsWith(byteOrderMark) ? byteOrderMark.length : 0;
  const match = /^([ \t\r\f\v]*)(.*?)([ \t\r\f\v]*)$/s.exec(text.slice(mark));
  return [text.slice(0, mark) + (match?.[1] ?? ""), match?.[2] ?? "", match?.[3] ?? ""];
}

function changedText(line: number, before: string, after: string): string {
  return `line ${line}: ${JSON.stringify(before)} became ${JSON.stringify(after)}`;
}
