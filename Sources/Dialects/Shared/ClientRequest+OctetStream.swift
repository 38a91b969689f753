import Bytes
import HTTP

extension ClientRequest {
    /// Whether the body is called image data; without a content type it is not.
    var isOctetStream: Bool {
        guard let value = head.fields.all("content-type").first else { return false }
        let type = value.prefix { $0 != UInt8(ascii: ";") }
        return ASCII.equalIgnoringCase(ASCII.trim(type), "application/octet-stream".utf8)
    }
}
