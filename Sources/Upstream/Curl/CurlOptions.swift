import CCurl
import HTTP
import Posix

/// The fixed option set of every call: a gateway's libcurl does nothing on its own account.
enum CurlOptions {
    typealias Handle = UnsafeMutableRawPointer
    typealias List = UnsafeMutablePointer<curl_slist>

    /// What libcurl reads as long as the transfer lives.
    struct Lists {
        var fields: List?
        var addresses: List?

        func free() {
            curl_slist_free_all(fields)
            curl_slist_free_all(addresses)
        }
    }

    /// Sets everything but the callbacks' object; nil when a value was refused or memory ran out.
    static func apply(
        to easy: Handle, call: UpstreamCall, url: UpstreamURL, framing: BodyLength, tuning: UpstreamTuning,
        timeouts: UpstreamTimeouts
    ) -> Lists? {
        var isFine = true
        func note(_ result: CURLcode) { isFine = isFine && result == CURLE_OK }
        func set(_ option: CURLoption, _ value: Int) { note(ccurl_set_long(easy, option, value)) }
        func set(_ option: CURLoption, _ text: String?) { note(ccurl_set_text(easy, option, text)) }

        set(CURLOPT_URL, url.origin + "/")
        set(CURLOPT_REQUEST_TARGET, CallHead.target(call, url: url))
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_NOSIGNAL, 1)
        // HTTP/2 uploads to a slow peer spin in 7.88.
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_HTTP09_ALLOWED, 0)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_PROXY, "")
        set(CURLOPT_NETRC, 0)
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let file = tuning.caFile { set(CURLOPT_CAINFO, file) }
        set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(timeouts.connect))
        set(CURLOPT_DNS_CACHE_TIMEOUT, milliseconds(tuning.addressTime) / 1000)
        set(CURLOPT_MAXAGE_CONN, max(1, milliseconds(tuning.idleTime) / 1000))
        set(CURLOPT_BUFFERSIZE, min(max(tuning.readBytes, 16 << 10), 512 << 10))
        set(CURLOPT_UPLOAD_BUFFERSIZE, 64 << 10)
        // libcurl repeats any call whose kept connection died; only harmless ones may meet a kept connection.
        let isHarmless = call.isRetryable || ["GET", "HEAD", "DELETE"].contains(call.method) && call.body == nil
        set(CURLOPT_FRESH_CONNECT, isHarmless && !call.startsFresh ? 0 : 1)

        switch framing {
        case .none:
            set(call.method == "HEAD" ? CURLOPT_NOBODY : CURLOPT_HTTPGET, 1)
        case .length(let length):
            set(CURLOPT_UPLOAD, 1)
            note(ccurl_set_offset(easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(length)))
        case .chunked, .untilClose:
            set(CURLOPT_UPLOAD, 1)
            note(ccurl_set_offset(easy, CURLOPT_INFILESIZE_LARGE, -1))
        }
        if call.method != "HEAD" { set(CURLOPT_CUSTOMREQUEST, call.method) }

        var lists = Lists(fields: list(of: fieldLines(call, framing)))
        note(ccurl_set_list(easy, CURLOPT_HTTPHEADER, lists.fields))
        if let pinned = tuning.pinnedAddresses {
            if let literal = SocketAddress(literal: url.host, port: url.port) {
                // Never looked up, whatever stands in the table.
                isFine = isFine && pinned.contains(literal)
            } else {
                lists.addresses = list(of: [Array(resolution(of: url, to: pinned).utf8)])
                note(ccurl_set_list(easy, CURLOPT_RESOLVE, lists.addresses))
                isFine = isFine && !pinned.isEmpty && lists.addresses != nil
            }
        }
        guard isFine, lists.fields != nil else {
            lists.free()
            return nil
        }
        return lists
    }

    /// An entry of libcurl's own table of addresses, which is asked before any resolver (CURLOPT_RESOLVE).
    private static func resolution(of url: UpstreamURL, to addresses: [SocketAddress]) -> String {
        let hosts = addresses.map { address in
            if case .v6 = address { return "[\(address.host)]" }
            return address.host
        }
        return "\(url.host):\(url.port):\(hosts.joined(separator: ","))"
    }

    /// The call's fields, checked by `CallHead` before, and the empty ones that keep libcurl from adding its own.
    private static func fieldLines(_ call: UpstreamCall, _ framing: BodyLength) -> [[UInt8]] {
        var lines: [[UInt8]] = [Array("Expect:".utf8)]
        if !call.fields.contains("accept") { lines.append(Array("Accept:".utf8)) }
        if framing == .chunked { lines.append(Array("Transfer-Encoding: chunked".utf8)) }
        for field in call.fields {
            // A field without a value is written with a semicolon.
            lines.append(Array(field.name) + (field.value.isEmpty ? [0x3b] : [0x3a, 0x20] + field.value))
        }
        return lines
    }

    /// Nil when memory ran out.
    private static func list(of lines: [[UInt8]]) -> List? {
        var list: List?
        for line in lines {
            let longer = (line + [0]).withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { curl_slist_append(list, $0.baseAddress) }
            }
            guard let longer else {
                curl_slist_free_all(list)
                return nil
            }
            list = longer
        }
        return list
    }

    private static func milliseconds(_ time: Duration) -> Int {
        let (seconds, attoseconds) = time.components
        return Int(clamping: max(0, min(seconds, 1 << 31)) * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}
