import { equalIgnoreCase, parseDigits, trimOws } from "../base/bytes.ts";

/** The last millisecond value that a four-digit year can say: Fri, 31 Dec 9999 23:59:59 GMT. */
const dateMsMax = 253402300799000;

const dayNames = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const longDayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * Reads a date in one of the three formats of RFC 9110 section 5.6.7. Milliseconds since 1970; -1 when it is none of
 * them, no real date, or before 1970. `nowMs` decides the century of a two-digit year.
 */
export function parseHttpDate(text: string, nowMs: number): number {
  const date = trimOws(text);
  const comma = date.indexOf(",");
  // R-DATE-1
  if (comma === 3 && date.length === 29) {
    return parseFixedDate(date);
  }
  if (comma > 3) {
    return parseLongDate(date.slice(0, comma), date.slice(comma), nowMs);
  }
  return comma < 0 && date.length === 24 ? parseAsctime(date) : -1;
}

/** Writes a date as IMF-fixdate (RFC 9110 section 5.6.7), part seconds cut, held to the years 1970 to 9999. */
export function formatHttpDate(ms: number): string {
  // R-DATE-6
  const held = ms < 0 ? 0 : ms > dateMsMax ? dateMsMax : ms;
  const seconds = Math.floor(held / 1000);
  const days = Math.floor(seconds / 86400);
  const second = seconds - days * 86400;
  const civil = civilFromDays(days);
  const dayName = dayNames[(days + 4) % 7] ?? "";
  const monthName = monthNames[civil.month - 1] ?? "";
  const time = `${twoDigits(Math.floor(second / 3600))}:${twoDigits(Math.floor(second / 60) % 60)}:${twoDigits(second % 60)}`;
  return `${dayName}, ${twoDigits(civil.day)} ${monthName} ${civil.year} ${time} GMT`;
}

/** "Sun, 06 Nov 1994 08:49:37 GMT" */
function parseFixedDate(date: string): number {
  const shaped = date.slice(3, 5) === ", " && date.charAt(7) === " " && date.charAt(11) === " ";
  if (!shaped || date.charAt(16) !== " " || indexOfName(dayNames, date.slice(0, 3)) < 0) {
    return -1;
  }
  const month = indexOfName(monthNames, date.slice(8, 11)) + 1;
  const time = zonedTime(date.slice(16));
  return epochMs(parseDigits(date.slice(12, 16)), month, parseDigits(date.slice(5, 7)), time);
}

/** "Sunday" and ", 06-Nov-94 08:49:37 GMT" */
function parseLongDate(dayName: string, rest: string, nowMs: number): number {
  const shaped = rest.length === 24 && rest.startsWith(", ") && rest.charAt(4) === "-" && rest.charAt(8) === "-";
  if (!shaped || indexOfName(longDayNames, dayName) < 0) {
    return -1;
  }
  const day = parseDigits(rest.slice(2, 4));
  const month = indexOfName(monthNames, rest.slice(5, 8)) + 1;
  const shortYear = parseDigits(rest.slice(9, 11));
  const time = zonedTime(rest.slice(11));
  if (day < 0 || month === 0 || shortYear < 0 || time < 0) {
    return -1;
  }
  // R-DATE-3: the latest year with these two digits that is not more than 50 years ahead of now.
  const now = civilFromDays(Math.floor(nowMs / 86400000));
  const horizonMs = daysFromCivil(now.year + 50, now.month, now.day) * 86400000 + (nowMs % 86400000);
  let year = Math.floor((now.year + 50) / 100) * 100 + shortYear;
  if (daysFromCivil(year, month, day) * 86400000 + time * 1000 > horizonMs) {
    year -= 100;
  }
  return epochMs(year, month, day, time);
}

/** "Sun Nov  6 08:49:37 1994" */
function parseAsctime(date: string): number {
  const shaped = date.charAt(3) === " " && date.charAt(7) === " " && date.charAt(10) === " " && date.charAt(19) === " ";
  if (!shaped || indexOfName(dayNames, date.slice(0, 3)) < 0) {
    return -1;
  }
  const month = indexOfName(monthNames, date.slice(4, 7)) + 1;
  const day = date.charAt(8) === " " ? parseDigits(date.slice(9, 10)) : parseDigits(date.slice(8, 10));
  return epochMs(parseDigits(date.slice(20)), month, day, secondsOfDay(date.slice(11, 19)));
}

/** " 08:49:37 GMT" in seconds, -1 when it is not that shape. */
function zonedTime(text: string): number {
  // R-DATE-2: a local zone would move the date, so GMT alone is read (RFC 9111 section 4.2).
  if (text.length !== 13 || text.charAt(0) !== " " || !equalIgnoreCase(text.slice(9), " GMT")) {
    return -1;
  }
  return secondsOfDay(text.slice(1, 9));
}

/** "08:49:37" in seconds, -1 when invalid; second 60 is a leap second. */
function secondsOfDay(text: string): number {
  const hour = parseDigits(text.slice(0, 2));
  const minute = parseDigits(text.slice(3, 5));
  const second = parseDigits(text.slice(6, 8));
  if (text.charAt(2) !== ":" || text.charAt(5) !== ":" || hour < 0 || minute < 0 || second < 0) {
    return -1;
  }
  // R-DATE-4
  return hour > 23 || minute > 59 || second > 60 ? -1 : hour * 3600 + minute * 60 + second;
}

function epochMs(year: number, month: number, day: number, seconds: number): number {
  // R-DATE-5: before 1970 is as good as invalid, since -1 must stay unambiguous.
  if (year < 1970 || month < 1 || day < 1 || seconds < 0 || day > daysInMonth(year, month)) {
    return -1;
  }
  return (daysFromCivil(year, month, day) * 86400 + seconds) * 1000;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) {
    return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  }
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days from 1970-01-01 in the proleptic Gregorian calendar; the year begins in March, so that a leap day ends it. */
function daysFromCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const monthFromMarch = month > 2 ? month - 3 : month + 9;
  const dayOfYear = Math.floor((153 * monthFromMarch + 2) / 5) + day - 1;
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * 146097 + yearOfEra * 365 + leapDays + dayOfYear - 719468;
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719468;
  const era = Math.floor(shifted / 146097);
  const dayOfEra = shifted - era * 146097;
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36524) + Math.floor(dayOfEra / 146096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function indexOfName(names: string[], name: string): number {
  for (let at = 0; at < names.length; at += 1) {
    if (equalIgnoreCase(names[at] ?? "", name)) {
      return at;
    }
  }
  return -1;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : `${value}`;
}
