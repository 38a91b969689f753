import Bytes
import Dialects
import Glibc
import HTTP
import Identity
import Posix
import Testing

@testable import Gateway
@testable import Server

/// What a request leaves in the log: one line, harmless, without secrets.
@Suite struct AccessLogTests {
    private static let report = ResponseReport(status: 200, sentBytes: 12, receivedBytes: 3, fault: nil)

    private func record(
        _ target: String, method: String = "GET", id: String = "req-1", fields: Fields = Fields()
    ) -> AccessRecord {
        AccessRecord(GatewayFixture.request(method, target, fields).head, GatewayFixture.peer, id: id)
    }

    /// The lines that these records become.
    private func lines(
        _ format: AccessLog.Format, _ records: [AccessRecord], _ report: ResponseReport = report
    ) throws -> [String] {
        let pipe = try LogPipe()
        let log = AccessLog(format: format, descriptor: pipe.sink, limit: 100)
        for record in records { log.write(record, report) }
        return pipe.lines(records.count)
    }

    @Test func `a line says who asked what of whom, and what came of it`() throws {
        var record = record("/v1/images/7?limit=5")
        record.mount(
            Mount(
                prefix: "/v1", dialects: DialectDetector(only: GlanceV1()), backend: FakeBackend(), backendName: "main",
                identity: OpenIdentity()), GlanceV1())
        record.operation = "get_image_meta"
        record.imageID = "7"
        var report = Self.report
        report.fault = "disconnected"
        let line = try #require(try lines(.text, [record], report).first)
        let words = line.split(separator: " ").map(String.init)
        #expect(
            words.filter { !$0.hasPrefix("micros=") } == [
                "request_id=req-1", "peer=192.0.2.7", "method=GET", "path=/v1/images/7", "mount=/v1",
                "dialect=glance-v1",
                "operation=get_image_meta", "backend=main", "status=200", "received=3", "sent=12", "image=7",
                "fault=disconnected",
            ])
        #expect(words.contains { $0.hasPrefix("micros=") && Int($0.dropFirst(7)) != nil })
    }

    @Test(arguments: [AccessLog.Format.text, .json])
    func `no token and no query is in a line`(_ format: AccessLog.Format) throws {
        let fields = Fields([("X-Auth-Token", "t0k3n"), ("Cookie", "t0k3n"), ("Authorization", "Basic t0k3n")])
        let line = try #require(try lines(format, [record("/images?X-Auth-Token=t0k3n&a=b", fields: fields)]).first)
        #expect(line.contains("/images"))
        #expect(
            !line.contains("t0k3n") && !line.contains("X-Auth-Token") && !line.contains("a=b") && !line.contains("?"))
    }

    @Test(arguments: [
        "/a\nrequest_id=req-2 status=200", "/a\r\nb", "/a\u{1b}[2J", "/a\u{0}b", "/a\u{7f}", "/a\u{85}b", "/a\u{2028}b",
        "/a\u{202e}b", "/a b=c", "/a\"b", "/é",
    ])
    func `nothing in a path makes another line or field`(path: String) throws {
        let found = try lines(.text, [record(path), record("/last")])
        #expect(found.count == 2)
        #expect(found.last?.contains("path=/last") == true)
        let line = try #require(found.first)
        #expect(line.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
        #expect(line.contains("path=\"/"))
        // Unquoted, the line has its own fields only.
        let outside = line.split(separator: "\"").enumerated().filter { $0.offset % 2 == 0 }.map(\.element).joined()
        if !path.contains("\"") { #expect(outside.split(separator: " ").count == 12) }
    }

    @Test(arguments: [
        "/a\nb", "/a\"b\\", "/a\u{0}", "/a\u{9b}2J", "/a\u{7f}", "/a\u{1b}[2J", "/é", "/a\u{2028}b", "/plain",
    ])
    func `a line of JSON is one object that holds the path as it was`(path: String) throws {
        var record = record(path)
        record.cause = "broken\n\"pipe\""
        record.imageID = "17"
        let line = try #require(try lines(.json, [record]).first)
        #expect(line.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
        let object = try #require(try JSONReader.parse(Array(line.utf8)).object)
        #expect(object["path"]?.text == path)
        #expect(object["cause"]?.text == "broken\n\"pipe\"")
        #expect(object["image"]?.text == "17")
        for name in ["status", "received", "sent", "micros"] { #expect(object[name]?.integer != nil, "\(name)") }
        for name in ["request_id", "peer", "method", "mount", "dialect", "operation", "backend"] {
            #expect(object[name]?.text != nil, "\(name)")
        }
    }

    /// Else the kind of a field depends on what a client sends.
    @Test func `only counts are numbers`() throws {
        var record = record("7", method: "007", id: "12")
        record.cause = "404"
        let line = try #require(try lines(.json, [record]).first)
        let object = try #require(try JSONReader.parse(Array(line.utf8)).object)
        #expect(object["method"]?.text == "007" && object["path"]?.text == "7")
        #expect(object["request_id"]?.text == "12" && object["cause"]?.text == "404")
        #expect(object["status"]?.integer == 200)
    }

    @Test(arguments: [(AccessLog.Format.text, "dropped="), (.json, "{\"dropped\":")])
    func `a stuck sink drops lines and says how many`(_ format: AccessLog.Format, mark: String) throws {
        let pipe = try LogPipe()
        let log = AccessLog(format: format, descriptor: pipe.sink, limit: 16)
        let path = "/" + String(repeating: "x", count: 4000)
        for _ in 0..<1000 { log.write(record(path), Self.report) }
        // Whatever was dropped and said plus whatever was written is everything.
        var written = 0
        var dropped = 0
        while written + dropped < 1000 {
            guard let line = pipe.lines(1).first else { break }
            if line.hasPrefix(mark) {
                dropped += Int(line.dropFirst(mark.count).prefix { $0.isNumber }) ?? 0
                if format == .json {
                    #expect(try JSONReader.parse(Array(line.utf8)).object?["dropped"]?.integer != nil)
                }
            } else {
                written += 1
            }
        }
        #expect(written + dropped == 1000)
        #expect(dropped > 0 && written > 0)
    }

    @Test func `a message that the server refuses leaves a line, with or without a head`() throws {
        let pipe = try LogPipe()
        let log = AccessLog(format: .text, descriptor: pipe.sink, limit: 100)
        let pipeline = GatewayFixture(log: log).pipeline
        let head = RequestHead(method: "GET", target: "/v1/images?token=secret")
        for head in [head, nil] {
            let answer = pipeline.rejection(status: 400, reason: "a bare LF", head: head, peer: GatewayFixture.peer)
            answer.completion?(ResponseReport(status: 400, sentBytes: 9, receivedBytes: 0, fault: nil))
        }
        let lines = pipe.lines(2)
        #expect(lines[0].contains("method=GET path=/v1/images ") && lines[1].contains("method=- path=- "))
        for line in lines {
            #expect(
                line.contains("peer=192.0.2.7") && line.contains("status=400") && line.contains("cause=\"a bare LF\""))
            #expect(!line.contains("secret"))
        }
    }

    @Test func `data that cannot be had is told under the id of its log line`() {
        let gateway = GatewayFixture()
        let record = AccessRecord(
            RequestHead(method: "GET", target: "/v1/images/7"), GatewayFixture.peer, id: "req-of-the-line")
        let instead = gateway.pipeline.finish(ServerResponse(ResponseHead(status: 200)), record).fallback?(504, "late")
        #expect(instead?.head.status == 504)
        #expect(instead?.head.fields["x-openstack-request-id"] == "req-of-the-line")
    }
}
