import Bytes
import HTTP
import Images
import Testing

@testable import Gateway
@testable import Server

/// What the access log hears of requests.
@Suite struct PipelineLogTests {
    /// The log's line of one answer.
    private func line(_ gateway: GatewayFixture, _ pipe: LogPipe, _ answer: ServerResponse) -> String {
        answer.completion?(
            ResponseReport(status: answer.head.status, sentBytes: 1, receivedBytes: 2, fault: nil))
        return pipe.lines(1).first ?? ""
    }

    @Test(arguments: [
        ("GET", "/v1/images?status=t0k3n&limit=t0k3n"), ("GET", "/plankton/images/?X-Auth-Token=t0k3n&sort_dir=t0k3n"),
        ("GET", "/v1/images?X-Auth-Token=t0k3n"), ("POST", "/v1/images?t0k3n"), ("GET", "/nowhere?t0k3n"),
    ])
    func `no token, query or metadata gets into a line, also of a refused request`(
        method: String, target: String
    ) async throws {
        let pipe = try LogPipe()
        let gateway = GatewayFixture(log: AccessLog(format: .text, descriptor: pipe.sink, limit: 100))
        let answer = await gateway.sendBare(
            method, target,
            [
                ("X-Auth-Token", "t0k3n"), ("X-Image-Meta-Size", "t0k3n"),
                ("X-Image-Meta-Location", "swift://t0k3n:t0k3n@h/c/o"), ("X-Glance-Api-Copy-From", "ftp://t0k3n@h/"),
            ])
        let line = line(gateway, pipe, answer)
        #expect(line.contains("status=\(answer.head.status) "))
        #expect(!line.contains("t0k3n"))
    }

    @Test func `a failure's cause is in the line, and the kind where there is none`() async throws {
        let pipe = try LogPipe()
        let log = AccessLog(format: .text, descriptor: pipe.sink, limit: 100)
        let caused = GatewayFixture(
            FakeBackend { _ throws(Failure) in throw Failure(.badGateway, "told", cause: "page 2") }, log: log)
        let first = line(caused, pipe, await caused.send("GET", "/v1/images/1"))
        #expect(
            first.contains("operation=get_image_data backend=main status=502") && first.contains("cause=\"page 2\""))
        let silent = GatewayFixture(
            FakeBackend { _ throws(Failure) in throw Failure(.imageNotFound, "told") }, log: log)
        let second = line(silent, pipe, await silent.send("GET", "/v1/images/1"))
        #expect(second.contains("status=404") && second.contains("image=1") && second.contains("cause=imageNotFound"))
    }
}
