import EventLoop
import Posix
import Testing

@Suite struct SocketStreamTests {
    @Test func `sixteen MiB pass with back-pressure and arrive in order`() async throws {
        let total = 16 << 20
        let received = try await onLoop { loop in
            let (client, server) = try await streamPair(loop)
            let sender = loop.spawn {
                var next: UInt8 = 0
                for _ in 0..<(total / 65536) {
                    let piece = [UInt8](repeating: next, count: 65526)
                    try? await client.write([UInt8](repeating: next, count: 10), piece, timeout: .seconds(5))
                    next &+= 1
                }
                client.close()
            }
            var count = 0
            var isOrdered = true
            while true {
                let bytes = try await server.read(timeout: .seconds(5))
                if bytes.isEmpty { break }
                for (offset, byte) in bytes.enumerated() where offset % 1000 == 0 {
                    isOrdered = isOrdered && byte == UInt8(truncatingIfNeeded: (count + offset) / 65536)
                }
                count += bytes.count
            }
            await sender.value
            server.close()
            return (count, isOrdered)
        }
        #expect(received == (total, true))
    }

    @Test func `a read ends by time-out, cancellation, close and end of stream`() async throws {
        try await onLoop { loop in
            let (client, server) = try await streamPair(loop)
            await #expect(throws: IOError.timedOut) { try await client.read(timeout: .milliseconds(20)) }

            let cancelled = loop.spawn { () -> IOError? in
                do throws(IOError) { _ = try await client.read() } catch { return error }
                return nil
            }
            await pause(loop, .milliseconds(5))
            cancelled.cancel()
            #expect(await cancelled.value == .cancelled)

            let closed = loop.spawn { () -> IOError? in
                do throws(IOError) { _ = try await client.read() } catch { return error }
                return nil
            }
            try await server.write(Array("late".utf8))
            #expect(await closed.value == nil)

            server.shutdownWrite()
            #expect(try await client.read() == [])
            client.close()
            await #expect(throws: IOError.closed) { try await client.read() }
            #expect(try await server.read() == [])
            server.close()
        }
    }

    @Test func `cancelling from another thread ends a parked read`() async throws {
        try await withLoops(1) { group in
            let loop = group.next()
            for _ in 0..<50 {
                let task = loop.spawn { () -> IOError? in
                    guard let (client, server) = try? await streamPair(loop) else { return nil }
                    defer {
                        client.close()
                        server.close()
                    }
                    do throws(IOError) { _ = try await client.read() } catch { return error }
                    return nil
                }
                try await Task.sleep(for: .milliseconds(4))
                task.cancel()
                let error = await task.value
                #expect(error == .cancelled || error == nil)
            }
        }
    }

    @Test func `a writer that the peer does not read times out`() async throws {
        try await onLoop { loop in
            let (client, server) = try await streamPair(loop)
            await #expect(throws: IOError.timedOut) {
                try await client.write([UInt8](repeating: 1, count: 64 << 20), timeout: .milliseconds(50))
            }
            client.close()
            server.close()
        }
    }

    @Test(arguments: [false, true])
    func `a peer that goes while nobody reads is reported`(resetting: Bool) async throws {
        let seen = try await onLoop { loop in
            let (client, server) = try await streamPair(loop)
            let seen = Box<SocketStream.Hangup>()
            server.onHangup { seen.value = $0 }
            client.close(resetting: resetting)
            await pause(loop, .milliseconds(10))
            server.close()
            return seen.value
        }
        #expect(seen == (resetting ? .gone : .peerClosed))
    }

    @Test func `waiting for either direction wakes for bytes while the peer takes none`() async throws {
        try await onLoop { loop in
            let (client, server) = try await streamPair(loop)
            let big = [UInt8](repeating: 7, count: 1 << 20)
            while try client.tryWrite(big) > 0 {}
            #expect(try client.tryRead() == nil)
            let answer = loop.spawn { try? await server.write(Array("stop".utf8)) }
            try await client.waitReadableOrWritable(timeout: .seconds(2))
            #expect(client.isReadableHint)
            #expect(try client.tryRead() == Array("stop".utf8))
            await answer.value
            client.close()
            server.close()
        }
    }

    @Test func `connecting to a closed port is refused`() async throws {
        try await onLoop { loop in
            let listener = try Listener(on: .v4(0x7f00_0001, port: 0), loop: loop) { $0.close() }
            listener.stop()
            await #expect(throws: IOError.self) {
                try await SocketStream.connect(to: listener.address, timeout: .seconds(1))
            }
        }
    }

    @Test func `a paused listener leaves connections queued and takes them on resume`() async throws {
        try await onLoop { loop in
            var streams: [SocketStream] = []
            let listener = try Listener(on: .v4(0x7f00_0001, port: 0), loop: loop) { streams.append($0) }
            listener.pause()
            let client = try await SocketStream.connect(to: listener.address, timeout: .seconds(1))
            await pause(loop, .milliseconds(5))
            #expect(streams.isEmpty)
            listener.resume()
            #expect(streams.count == 1)
            listener.stop()
            client.close()
            for stream in streams { stream.close() }
        }
    }
}
