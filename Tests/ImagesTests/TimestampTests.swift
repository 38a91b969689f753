import Images
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        ("2010-02-03 09:34:01", "2010-02-03T09:34:01Z"),
        ("2010-02-03T09:34:01", "2010-02-03T09:34:01Z"),
        ("2010-02-03T09:34:01Z", "2010-02-03T09:34:01Z"),
        ("2010-02-03T09:34:01.5", "2010-02-03T09:34:01.500000Z"),
        ("2010-02-03T09:34:01.1234567", "2010-02-03T09:34:01.123456Z"),
        ("2012-01-02T03:04:05+02:00", "2012-01-02T01:04:05Z"),
        ("2012-01-02T03:04:05-0130", "2012-01-02T04:34:05Z"),
        ("2012-02-29", "2012-02-29T00:00:00Z"),
        ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
        ("2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"),
        ("2038-01-19T03:14:08Z", "2038-01-19T03:14:08Z"),
    ])
    func `every form that a dialect writes is read as the same moment`(input: String, canonical: String) throws {
        let time = try #require(Timestamp(input))
        #expect(time.text(.canonical) == canonical)
    }

    @Test(arguments: [
        "", "now", "2010-02-30", "2010-13-01", "2010-00-10", "2011-02-29", "2010-02-03T24:00:00", "2010-02-03T09:60",
        "2010-02-03T09:34:01 02:00", "2010-02-03T09:34:01.", "2010-02-03T", "2010-02-03Z ", "２０１０-02-03",
    ])
    func `what is no moment is refused`(input: String) {
        #expect(Timestamp(input) == nil)
    }

    @Test func `each dialect's form of one moment`() {
        let time = Timestamp(seconds: 1_265_189_641, microseconds: 20)
        #expect(time.text(.blank) == "2010-02-03 09:34:01")
        #expect(time.text(.micro) == "2010-02-03T09:34:01.000020")
        #expect(time.text(.zulu) == "2010-02-03T09:34:01Z")
    }
}
