/** The variants of a multivariant playlist, which of them is wanted, and the playlists that are played with it. */
import { parseDigits } from "../base/bytes.ts";
import { attributeList, attributeText, contentEnd, contentStart, lineNext } from "./playlist-lines.ts";
import { isTag, onlyQuoted, partUrl } from "./playlist-part.ts";
import { type UriMapper, uriReader } from "./uri-mapper.ts";

/** A variant stream: its place, URL ("" when that is no upstream URL), pace, picture height, and groups. */
export type VariantLine = {
  index: number;
  url: string;
  bandwidth: number;
  height: number;
  audio: string;
  video: string;
  subtitles: string;
};

/** A rendition with a playlist of its own; `rank` 2 is the default one, 1 one that may be chosen by itself. */
export type RenditionLine = { type: string; group: string; url: string; rank: number };

export type VariantList = { variants: VariantLine[]; renditions: RenditionLine[] };

/** Which variant: the first listed, the best within a bandwidth or a height, or one by its place. */
export type VariantWish = { by: "first" | "bandwidth" | "height" | "index"; value: number };

/** Reads a whole multivariant playlist (a byte string). `baseUrl` is its final absolute URL. */
export function variantList(bytes: string, baseUrl: string): VariantList {
  const mapper = uriReader(baseUrl);
  const list: VariantList = { variants: [], renditions: [] };
  let coming: VariantLine | null = null;
  let start = 0;
  while (start < bytes.length) {
    const next = lineNext(bytes, start);
    const from = contentStart(bytes, start, next);
    const end = contentEnd(bytes, from, next);
    if (isTag(bytes, from, end, streamTag)) {
      coming = variantLine(bytes, from + streamTag.length + 1, end, list.variants.length);
    } else if (isTag(bytes, from, end, mediaTag)) {
      addRendition(list, bytes, from + mediaTag.length + 1, end, mapper);
    } else if (from < end && bytes.charCodeAt(from) !== hash) {
      if (coming !== null) list.variants.push({ ...coming, url: partUrl(mapper, bytes.slice(from, end)) });
      coming = null;
    }
    start = next;
  }
  return list;
}

/** The variant that is wanted; null when there is none. */
export function chooseVariant(list: VariantList, wish: VariantWish): VariantLine | null {
  const variants = list.variants;
  // R-PRE-4
  if (wish.by === "first") return variants[0] ?? null;
  if (wish.by === "index") return variants[wish.value] ?? null;
  let best: VariantLine | null = null;
  for (const variant of variants) {
    if (best === null || isBetter(measure(variant, wish), measure(best, wish), wish.value)) best = variant;
  }
  return best;
}

/** The playlists that are played with a variant: its own, and one audio, one video rendition and, if wanted, subtitles. */
export function variantPlaylists(list: VariantList, variant: VariantLine, subtitles: boolean): string[] {
  const urls: string[] = [];
  const groups = [
    { type: "AUDIO", group: variant.audio },
    { type: "VIDEO", group: variant.video },
    { type: "SUBTITLES", group: subtitles ? variant.subtitles : "" },
  ];
  if (variant.url !== "") urls.push(variant.url);
  // R-PRE-5
  for (const { type, group } of groups) {
    const url = group === "" ? "" : bestRendition(list, type, group);
    if (url !== "" && !urls.includes(url)) urls.push(url);
  }
  return urls;
}

const hash = 0x23;
const streamTag = "#EXT-X-STREAM-INF";
const mediaTag = "#EXT-X-MEDIA";

function variantLine(bytes: string, start: number, end: number, index: number): VariantLine {
  const attributes = attributeList(bytes, start, end);
  const text = (name: string): string => attributeText(bytes, attributes, name) ?? "";
  const resolution = text("RESOLUTION");
  const cross = resolution.indexOf("x");
  return {
    index,
    url: "",
    bandwidth: Math.max(0, parseDigits(text("BANDWIDTH"))),
    height: cross < 0 ? 0 : Math.max(0, parseDigits(resolution.slice(cross + 1))),
    audio: text("AUDIO"),
    video: text("VIDEO"),
    subtitles: text("SUBTITLES"),
  };
}

function addRendition(list: VariantList, bytes: string, start: number, end: number, mapper: UriMapper): void {
  const attributes = attributeList(bytes, start, end);
  const text = (name: string): string => attributeText(bytes, attributes, name) ?? "";
  const rank = text("DEFAULT") === "YES" ? 2 : text("AUTOSELECT") === "YES" ? 1 : 0;
  const url = partUrl(mapper, onlyQuoted(bytes, attributes, "URI"));
  list.renditions.push({ type: text("TYPE"), group: text("GROUP-ID"), url, rank });
}

/** The URL of the group's rendition of the highest rank, the first of equals; "" when it has none of its own. */
function bestRendition(list: VariantList, type: string, group: string): string {
  let best: RenditionLine | null = null;
  for (const rendition of list.renditions) {
    if (rendition.type !== type || rendition.group !== group) continue;
    if (best === null || rendition.rank > best.rank) best = rendition;
  }
  return best === null ? "" : best.url;
}

function measure(variant: VariantLine, wish: VariantWish): number {
  return wish.by === "bandwidth" ? variant.bandwidth : variant.height;
}

/** Within the bound more is better; beyond it less, so that the least of all is taken when none is within. */
function isBetter(found: number, best: number, bound: number): boolean {
  if (found <= bound) return best > bound || found > best;
  return best > bound && found < best;
}
