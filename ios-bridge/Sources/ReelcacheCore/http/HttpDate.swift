/// The last millisecond value that a four-digit year can say: Fri, 31 Dec 9999 23:59:59 GMT.
private let dateMsMax = 253_402_300_799_000

private let dayNames: [ByteString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
private let longDayNames: [ByteString] = [
  "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
]
private let monthNames: [ByteString] = [
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
]

/// "00" to "99".
private let digitPairs: ByteString = joined((0...99).map { value in "\(value / 10)\(value % 10)" }, "")

/// Reads a date in one of the three formats of RFC 9110 section 5.6.7. Milliseconds since 1970; -1 when it is none of
/// them, no real date, or before 1970. `nowMs` decides the century of a two-digit year.
package func parseHttpDate(_ text: ByteString, _ nowMs: Int) -> Int {
  let date = trimOws(text)
  let comma = date.indexOf(",")
  // R-DATE-1
  if comma == 3 && date.count == 29 { return parseFixedDate(date) }
  if comma > 3 { return parseLongDate(date.slice(0, comma), date.slice(comma), nowMs) }
  return comma < 0 && date.count == 24 ? parseAsctime(date) : -1
}

/// Writes a date as IMF-fixdate (RFC 9110 section 5.6.7), part seconds cut, held to the years 1970 to 9999.
package func formatHttpDate(_ ms: Int) -> ByteString {
  // R-DATE-6
  let held = ms < 0 ? 0 : ms > dateMsMax ? dateMsMax : ms
  let seconds = held / 1000
  let days = seconds / 86400
  let second = seconds - days * 86400
  let civil = civilFromDays(days)
  let dayName = dayNames[(days + 4) % 7]
  let monthName = monthNames[civil.month - 1]
  let time: ByteString = "\(twoDigits(second / 3600)):\(twoDigits(second / 60 % 60)):\(twoDigits(second % 60))"
  return "\(dayName), \(twoDigits(civil.day)) \(monthName) \(civil.year) \(time) GMT"
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
private func parseFixedDate(_ date: ByteString) -> Int {
  let shaped = date.slice(3, 5) == ", " && date.code(7) == 32 && date.code(11) == 32
  if !shaped || date.code(16) != 32 || indexOfName(dayNames, date.slice(0, 3)) < 0 { return -1 }
  let month = indexOfName(monthNames, date.slice(8, 11)) + 1
  let time = zonedTime(date.slice(16))
  return epochMs(parseDigits(date.slice(12, 16)), month, parseDigits(date.slice(5, 7)), time)
}

/// "Sunday" and ", 06-Nov-94 08:49:37 GMT"
private func parseLongDate(_ dayName: ByteString, _ rest: ByteString, _ nowMs: Int) -> Int {
  let shaped = rest.count == 24 && rest.startsWith(", ") && rest.code(4) == 45 && rest.code(8) == 45
  if !shaped || indexOfName(longDayNames, dayName) < 0 { return -1 }
  let day = parseDigits(rest.slice(2, 4))
  let month = indexOfName(monthNames, rest.slice(5, 8)) + 1
  let shortYear = parseDigits(rest.slice(9, 11))
  let time = zonedTime(rest.slice(11))
  if day < 0 || month == 0 || shortYear < 0 || time < 0 { return -1 }
  // R-DATE-3: the latest year with these two digits that is not more than 50 years ahead of now.
  let now = civilFromDays(floored(nowMs, 86_400_000))
  let horizonMs = daysFromCivil(now.year + 50, now.month, now.day) * 86_400_000 + nowMs % 86_400_000
  var year = floored(now.year + 50, 100) * 100 + shortYear
  if daysFromCivil(year, month, day) * 86_400_000 + time * 1000 > horizonMs { year -= 100 }
  return epochMs(year, month, day, time)
}

/// "Sun Nov  6 08:49:37 1994"
private func parseAsctime(_ date: ByteString) -> Int {
  let shaped = date.code(3) == 32 && date.code(7) == 32 && date.code(10) == 32 && date.code(19) == 32
  if !shaped || indexOfName(dayNames, date.slice(0, 3)) < 0 { return -1 }
  let month = indexOfName(monthNames, date.slice(4, 7)) + 1
  let day = date.code(8) == 32 ? parseDigits(date.slice(9, 10)) : parseDigits(date.slice(8, 10))
  return epochMs(parseDigits(date.slice(20)), month, day, secondsOfDay(date.slice(11, 19)))
}

/// " 08:49:37 GMT" in seconds, -1 when it is not that shape.
private func zonedTime(_ text: ByteString) -> Int {
  // R-DATE-2: a local zone would move the date, so GMT alone is read (RFC 9111 section 4.2).
  if text.count != 13 || text.code(0) != 32 || !equalIgnoreCase(text.slice(9), " GMT") { return -1 }
  return secondsOfDay(text.slice(1, 9))
}

/// "08:49:37" in seconds, -1 when invalid; second 60 is a leap second.
private func secondsOfDay(_ text: ByteString) -> Int {
  let hour = parseDigits(text.slice(0, 2))
  let minute = parseDigits(text.slice(3, 5))
  let second = parseDigits(text.slice(6, 8))
  if text.code(2) != 58 || text.code(5) != 58 || hour < 0 || minute < 0 || second < 0 { return -1 }
  // R-DATE-4
  return hour > 23 || minute > 59 || second > 60 ? -1 : hour * 3600 + minute * 60 + second
}

private func epochMs(_ year: Int, _ month: Int, _ day: Int, _ seconds: Int) -> Int {
  // R-DATE-5: before 1970 is as good as invalid, since -1 must stay unambiguous.
  if year < 1970 || month < 1 || day < 1 || seconds < 0 || day > daysInMonth(year, month) { return -1 }
  return (daysFromCivil(year, month, day) * 86400 + seconds) * 1000
}

private func daysInMonth(_ year: Int, _ month: Int) -> Int {
  if month == 2 {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
  }
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar; the year begins in March, so that a leap day ends it.
private func daysFromCivil(_ year: Int, _ month: Int, _ day: Int) -> Int {
  let marchYear = month <= 2 ? year - 1 : year
  let era = floored(marchYear, 400)
  let yearOfEra = marchYear - era * 400
  let monthFromMarch = month > 2 ? month - 3 : month + 9
  let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
  let leapDays = yearOfEra / 4 - yearOfEra / 100
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468
}

private func civilFromDays(_ days: Int) -> (year: Int, month: Int, day: Int) {
  let shifted = days + 719_468
  let era = floored(shifted, 146_097)
  let dayOfEra = shifted - era * 146_097
  let leaps = dayOfEra / 1460 - dayOfEra / 36524 + dayOfEra / 146_096
  let yearOfEra = (dayOfEra - leaps) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let monthFromMarch = (5 * dayOfYear + 2) / 153
  let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
  let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
  return (year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month, day: day)
}

private func indexOfName(_ names: [ByteString], _ name: ByteString) -> Int {
  for at in 0..<names.count where equalIgnoreCase(names[at], name) { return at }
  return -1
}

/// A part of one text: a date has four of these, and none costs an allocation.
private func twoDigits(_ value: Int) -> ByteString {
  digitPairs.slice(value * 2, value * 2 + 2)
}

/// The quotient rounded down, where Swift's own division rounds towards zero.
private func floored(_ value: Int, _ divisor: Int) -> Int {
  value >= 0 || value % divisor == 0 ? value / divisor : value / divisor - 1
}
