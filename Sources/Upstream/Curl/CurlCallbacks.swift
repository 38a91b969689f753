import CCurl

/// What libcurl calls during a transfer: C functions that find the transfer behind their pointer.
enum CurlCallbacks {
    static func install(_ transfer: CurlTransfer, on easy: UnsafeMutableRawPointer) {
        let pointer = Unmanaged.passUnretained(transfer).toOpaque()
        _ = ccurl_set_data_callback(easy, CURLOPT_HEADERFUNCTION, onHeader)
        _ = ccurl_set_pointer(easy, CURLOPT_HEADERDATA, pointer)
        _ = ccurl_set_data_callback(easy, CURLOPT_WRITEFUNCTION, onBody)
        _ = ccurl_set_pointer(easy, CURLOPT_WRITEDATA, pointer)
        _ = ccurl_set_data_callback(easy, CURLOPT_READFUNCTION, onUpload)
        _ = ccurl_set_pointer(easy, CURLOPT_READDATA, pointer)
        _ = ccurl_set_prereq(easy, onRequest, pointer)
    }
}

private func transfer(_ pointer: UnsafeMutableRawPointer?) -> CurlTransfer? {
    pointer.map { Unmanaged<CurlTransfer>.fromOpaque($0).takeUnretainedValue() }
}

private func onHeader(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ pointer: UnsafeMutableRawPointer?
) -> Int {
    let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
    return transfer(pointer)?.headLine(line) == true ? line.count : -1
}

private func onBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ pointer: UnsafeMutableRawPointer?
) -> Int {
    transfer(pointer)?.received(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? -1
}

private func onUpload(
    _ area: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ pointer: UnsafeMutableRawPointer?
) -> Int {
    transfer(pointer)?.supply(UnsafeMutableRawBufferPointer(start: area, count: size * count)) ?? Int(ccurl_read_abort)
}

private func onRequest(
    _ pointer: UnsafeMutableRawPointer?, _ to: UnsafeMutablePointer<CChar>?, _ from: UnsafeMutablePointer<CChar>?,
    _ toPort: Int32, _ fromPort: Int32
) -> Int32 {
    transfer(pointer)?.requestStarts()
    return CURL_PREREQFUNC_OK
}
