import Bytes
import Dialects
import Images

/// Asking the store what is at a location, for somebody who says what should be there (plankton §7.2).
extension LocatedBackend {
    /// An object that may be registered, and the token that reads it.
    struct Found: Sendable {
        var object: PithosObject
        /// The gateway's own, or the caller's.
        var token: Token
        /// The MD5 that a client of another dialect says the data have; only they can show it.
        var demandedMD5: String?
    }

    struct Token: Sendable {
        var text: String?
        var isService: Bool
    }

    /// What a client says of an object.
    struct Demands {
        /// Nil: nothing is said.
        var size: Int64?
        var checksum: String?
        /// Plankton means 0 when it says so, and hashes only.
        var isPlankton: Bool
    }

    /// The object at a location, when it is the caller's and is what was said of it.
    func find(
        _ location: PithosLocation, demanding demands: Demands, for caller: Caller
    ) async throws(Failure) -> Found {
        let token = try token(of: caller)
        // The gateway's own token sees what the caller may not hear of.
        if token.isService { try Self.requireAccount(location, of: caller) }
        let object: PithosObject
        do throws(PithosFault) {
            object = try await objects.find(location, token: token.text)
        } catch {
            throw Self.failure(registering: error, token)
        }
        let md5 = try check(object, against: demands)
        if caller.system != .unasked {
            try Self.requireAccount(location, of: caller)
        } else if !object.isOwn {
            throw Self.notYours(location)
        }
        return Found(object: object, token: token, demandedMD5: md5)
    }

    /// - Returns: the MD5 that the data must have.
    private func check(_ object: PithosObject, against demands: Demands) throws(Failure) -> String? {
        if let size = demands.size, size != object.content.size, size != 0 || demands.isPlankton {
            throw Failure(.badRequest, "Invalid 'size' field")
        }
        guard let checksum = demands.checksum, !checksum.isEmpty,
            !ASCII.equalIgnoringCase(checksum, object.content.hash)
        else { return nil }
        guard !demands.isPlankton, settings.mode == .copy, ValueRules.isMD5(checksum) else {
            throw Failure(.badRequest, "Invalid checksum field")
        }
        return checksum
    }

    private static func requireAccount(_ location: PithosLocation, of caller: Caller) throws(Failure) {
        guard let user = caller.user, user.sameBytes(as: location.account) else { throw notYours(location) }
    }

    private static func notYours(_ location: PithosLocation) -> Failure {
        Failure(.forbidden, "The account of '\(location.canonical)' is not yours.")
    }

    // MARK: Tokens

    /// What the store is asked with for a caller: the caller's own token where the store can read it.
    private func token(of caller: Caller) throws(Failure) -> Token {
        if let text = Self.ownToken(of: caller) { return Token(text: text, isService: false) }
        guard let text = settings.serviceToken() else { throw Self.noToken }
        return Token(text: text, isService: true)
    }

    /// What the data of a registered image are read with: who may see the image may read it.
    func readingToken(of caller: Caller) throws(Failure) -> Token {
        if let text = settings.serviceToken() { return Token(text: text, isService: true) }
        guard let text = Self.ownToken(of: caller) else { throw Self.noToken }
        return Token(text: text, isService: false)
    }

    /// Nil in nil: the caller has none.
    private static func ownToken(of caller: Caller) -> String?? {
        switch caller.system {
        case .astakos, .unasked: .some(caller.token)
        case .keystone, .gateway: nil
        }
    }

    private static var noToken: Failure {
        Failure(
            .forbidden, "The object store does not know your token: data at pithos: locations are out of reach here.")
    }

    // MARK: Faults

    /// What a fault of the store is to who registers an image.
    static func failure(registering fault: PithosFault, _ token: Token) -> Failure {
        switch fault {
        case .notFound, .forbidden, .unusable: fault.failure
        default: failure(fault, token)
        }
    }

    /// What a fault of the store is to the client, once an image is registered.
    static func failure(_ fault: PithosFault, _ token: Token) -> Failure {
        switch fault {
        case .notFound: Failure(.noData, "The image's data are not at its location any more.", isDetail: true)
        case .forbidden where token.isService, .tokenRejected where token.isService:
            Failure(.badGateway, cause: "object store: it refuses the gateway's own token")
        case .forbidden: Failure(.forbidden, "You may not read the image's data at its location.")
        case .tokenRejected: Failure(token.text == nil ? .unauthorized : .tokenRejected)
        case .unusable(let why):
            Failure(.badGateway, "The image's data have changed at its location.", cause: "object store: \(why)")
        default: fault.failure
        }
    }
}
