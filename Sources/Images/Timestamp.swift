/// A moment in UTC with microseconds, as image registries write it (mapping §3.8).
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public var seconds: Int64
    /// 0 ..< 1,000,000.
    public var microseconds: Int32

    public init(seconds: Int64, microseconds: Int32 = 0) {
        self.seconds = seconds
        self.microseconds = microseconds
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.microseconds) < (right.seconds, right.microseconds)
    }

    /// The same moment with the fraction cut off.
    public var wholeSeconds: Timestamp { Timestamp(seconds: seconds) }

    /// How a moment is written.
    public enum Form: Sendable {
        /// `2010-02-03 09:34:01`: Plankton and the first Glance API.
        case blank
        /// `2010-02-03T09:34:01.123456`, always six digits, no zone: Image API v1.
        case micro
        /// `2010-02-03T09:34:01Z`, whole seconds: Image API v2.
        case zulu
        /// `2010-02-03T09:34:01Z`, with `.123456` when there is a fraction: the canonical form.
        case canonical
    }

    public func text(_ form: Form) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(27)
        let (days, second) = seconds.flooredDivision(by: 86_400)
        let (year, month, day) = Self.civil(fromDays: days)
        Self.append(year, width: 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(month, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        Self.append(day, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: form == .blank ? " " : "T"))
        Self.append(second / 3600, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(second / 60 % 60, width: 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        Self.append(second % 60, width: 2, to: &bytes)
        if form == .micro || (form == .canonical && microseconds != 0) {
            bytes.append(UInt8(ascii: "."))
            Self.append(Int64(microseconds), width: 6, to: &bytes)
        }
        if form == .zulu || form == .canonical { bytes.append(UInt8(ascii: "Z")) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ value: Int64, width: Int, to bytes: inout [UInt8]) {
        let start = bytes.count
        var place = start + width
        var rest = value.magnitude
        for _ in 0..<width { bytes.append(UInt8(ascii: "0")) }
        while rest > 0 {
            let digit = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
            if place > start {
                place -= 1
                bytes[place] = digit
            } else {
                bytes.insert(digit, at: start)
            }
        }
    }

    /// Days since 1970-01-01 to year, month, day of the proleptic Gregorian calendar (eras of 400 years).
    private static func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let part = (5 * dayOfYear + 2) / 153
        let month = part < 10 ? part + 3 : part - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * part + 2) / 5 + 1)
    }

    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shifted.flooredDivision(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Timestamp {
    /// Reads every form that the dialects know: date alone, blank or `T`, seconds optional, fraction optional (beyond
    /// microseconds cut), nothing or `Z` or an offset `+hh:mm`, `+hhmm`, `+hh`. Nil for anything else, also for days that
    /// the calendar does not have.
    public init?(_ text: some StringProtocol) {
        var scanner = DigitScanner(Array(text.utf8))
        guard let year = scanner.number(digits: 4), scanner.skip("-"), let month = scanner.number(digits: 2),
            scanner.skip("-"), let day = scanner.number(digits: 2), (1...12).contains(month),
            day >= 1, day <= Self.daysInMonth(month, year: year)
        else { return nil }
        var clock: Int64 = 0
        var micro: Int32 = 0
        var offset: Int64 = 0
        if scanner.skip("T") || scanner.skip(" ") {
            guard let hour = scanner.number(digits: 2), scanner.skip(":"), let minute = scanner.number(digits: 2),
                hour < 24, minute < 60
            else { return nil }
            clock = hour * 3600 + minute * 60
            if scanner.skip(":") {
                guard let second = scanner.number(digits: 2), second < 60 else { return nil }
                clock += second
                if scanner.skip(".") || scanner.skip(",") {
                    guard let fraction = scanner.fraction() else { return nil }
                    micro = fraction
                }
            }
            guard let zone = scanner.zone() else { return nil }
            offset = zone
        }
        guard scanner.isAtEnd else { return nil }
        self.init(
            seconds: Self.days(year: year, month: month, day: day) * 86_400 + clock - offset, microseconds: micro)
    }

    private static func daysInMonth(_ month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Reads digits and marks of a time from bytes.
private struct DigitScanner {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(_ mark: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: mark) else { return false }
        rest.removeFirst()
        return true
    }

    mutating func number(digits: Int) -> Int64? {
        guard rest.count >= digits else { return nil }
        var value: Int64 = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    mutating func digit() -> Int64? {
        guard let byte = rest.first, byte >= 0x30, byte <= 0x39 else { return nil }
        rest.removeFirst()
        return Int64(byte - 0x30)
    }

    /// Microseconds; at least one digit, digits beyond the sixth are dropped.
    mutating func fraction() -> Int32? {
        guard var value = digit() else { return nil }
        var count = 1
        while let next = digit() {
            if count < 6 { value = value * 10 + next; count += 1 }
        }
        while count < 6 { value *= 10; count += 1 }
        return Int32(value)
    }

    /// Seconds east of UTC; 0 when nothing is said.
    mutating func zone() -> Int64? {
        if isAtEnd || skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = number(digits: 2), hours < 24 else { return nil }
        if isAtEnd { return sign * hours * 3600 }
        _ = skip(":")
        guard let minutes = number(digits: 2), minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}

extension Int64 {
    /// Quotient rounded down and remainder that is never negative; `divisor` is positive.
    func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        var (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        if remainder < 0 { quotient -= 1; remainder += divisor }
        return (quotient, remainder)
    }
}
