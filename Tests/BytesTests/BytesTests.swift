import Bytes
import Testing

@Suite struct PercentCodingTests {
    @Test(arguments: [
        ("a%20b", "a b"), ("a+b", "a+b"), ("%", "%"), ("%4", "%4"), ("%zz%41", "%zzA"), ("%252e", "%2e"), ("", ""),
        ("%C3%a9", "é"),
    ])
    func `lenient decoding keeps what is no escape`(text: String, decoded: String) {
        #expect(String(decoding: PercentCoding.decode(Array(text.utf8)), as: UTF8.self) == decoded)
    }

    @Test func `strict decoding refuses what is no escape`() {
        #expect(PercentCoding.decodeStrict(Array("%4".utf8)) == nil)
        #expect(PercentCoding.decodeStrict(Array("a%g0".utf8)) == nil)
        #expect(PercentCoding.decodeStrict(Array("%00+".utf8), plusIsBlank: true) == [0, 0x20])
    }

    @Test func `encoding is undone by decoding, for every byte and set`() {
        let all = (0...255).map { UInt8($0) }
        for kept in [ByteSet.unreserved, .unreservedAndSlash, .alphanumeric] {
            let text = PercentCoding.encode(all, keeping: kept)
            #expect(PercentCoding.decodeStrict(Array(text.utf8)) == all)
        }
        #expect(PercentCoding.encode("a/é b+~", keeping: .unreservedAndSlash) == "a/%C3%A9%20b%2B~")
    }
}

@Suite struct QueryItemsTests {
    @Test func `pairs keep their order and are decoded once`() throws {
        let items = try QueryItems("a=1&b=x+y%2Bz&&a=%2526&c&d=")
        #expect(items.all.map(\.name) == ["a", "b", "a", "c", "d"])
        #expect(items.values("a") == ["1", "%26"])
        #expect(items.last("a") == "%26")
        #expect(items.last("b") == "x y+z")
        #expect(items.last("c") == "")
        #expect(items.all.map(\.hasEqualsSign) == [true, true, true, false, true])
        #expect(items.last("zz") == nil)
    }

    @Test func `what is too much, not UTF-8 or a control character is refused`() {
        #expect(throws: QueryItems.Fault.tooLong) { try QueryItems(String(repeating: "a", count: 17_000)) }
        #expect(throws: QueryItems.Fault.tooMany) { try QueryItems(String(repeating: "a&", count: 300)) }
        #expect(throws: QueryItems.Fault.notUTF8("a=%FF")) { try QueryItems("b=1&a=%FF") }
        #expect(throws: QueryItems.Fault.controlCharacter("a=%0d%0a")) { try QueryItems("a=%0d%0a") }
    }
}

@Suite struct ASCIITests {
    @Test(arguments: [
        ("0", 0 as Int64?), ("007", 7), ("9223372036854775807", .max), ("9223372036854775808", nil), ("", nil),
        ("+5", nil), ("-5", nil),
        (" 5", nil), ("5 ", nil), ("٥", nil), ("1_000", nil), ("99999999999999999999999", nil),
    ])
    func `a decimal is digits and nothing else`(text: String, value: Int64?) {
        #expect(ASCII.decimal(text) == value)
    }

    @Test func `folding and comparing touch ASCII only`() {
        #expect(ASCII.lowercased("AbZ[@\u{212A}É") == "abz[@\u{212A}É")
        #expect(ASCII.equalIgnoringCase("X-Auth", "x-aUTH"))
        #expect(!ASCII.equalIgnoringCase("k", "\u{212A}"))
        #expect(!ASCII.sameBytes("\u{E9}", "e\u{301}"))
        #expect(ASCII.trim(" \t a b\t ") == "a b")
        #expect(ASCII.trim("\r\na\u{A0}") == "\r\na\u{A0}")
    }
}

@Suite struct DigestTests {
    @Test(arguments: [
        (Digest.Algorithm.md5, "900150983cd24fb0d6963f7d28e17f72"), (.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            .sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
    ])
    func `digests of abc, however it is cut`(algorithm: Digest.Algorithm, hex: String) throws {
        let digest = try Digest(algorithm)
        digest.update([0x61])
        digest.update([])
        digest.update([0x62, 0x63])
        #expect(Hex.encode(try digest.finalize()) == hex)
        #expect(throws: DigestError.self) { try digest.finalize() }
        #expect(Hex.decode(hex.utf8) == (try Digest.hash(algorithm, Array("abc".utf8))))
    }
}

@Suite struct UUIDTextTests {
    @Test func `random ones are canonical, of version 4 and different`() {
        let all = (0..<1_000).map { _ in UUIDText.random() }
        #expect(Set(all).count == 1_000)
        #expect(
            all.allSatisfy {
                UUIDText.isCanonical($0) && Array($0.utf8)[14] == UInt8(ascii: "4")
                    && "89ab".utf8.contains(Array($0.utf8)[19])
            })
    }

    @Test func `a name has one UUID (RFC 9562 appendix A.4)`() throws {
        #expect(
            try UUIDText.version5(namespace: "6ba7b810-9dad-11d1-80b4-00c04fd430c8", name: "www.example.com")
                == "2ed6657d-e927-568b-95e1-2665a8aea6a2")
    }

    @Test(arguments: [
        ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", true), ("6BA7B8109DAD11D180B400C04FD430C8", true),
        ("{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", true),
        ("urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8", true), ("6ba7b810-9dad-11d1-80b4-00c04fd430c", false),
        ("", false), ("zba7b810-9dad-11d1-80b4-00c04fd430c8", false),
    ])
    func `what is like a UUID`(text: String, isLike: Bool) {
        #expect(UUIDText.isLike(text) == isLike)
    }
}

@Suite struct ConstantTimeTests {
    @Test func `equality is that of the bytes`() {
        #expect(ConstantTime.equal("secret", "secret"))
        #expect(!ConstantTime.equal("secret", "secreT"))
        #expect(!ConstantTime.equal("secret", "secrets"))
        #expect(ConstantTime.equal("", ""))
    }
}
