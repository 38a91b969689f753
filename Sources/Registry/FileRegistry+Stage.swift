import Bytes
import Glibc
import Images
import Synchronization

/// Data that wait for an import (image-v2 §7, §11).
extension FileRegistry {
    /// File beside the metadata that holds them.
    static let stagedName = "staged"

    func stage(_ id: String, _ caller: Caller, _ body: (any BodySource)?) async throws(Failure) {
        try AccessRules.requireControl(caller, try visible(id, caller).image)
        guard let body else { throw Failure(.internal, "", cause: "an operation with data came without its body") }
        try requireWritable()
        let token = UUIDText.random()
        let key = ImageKey(id)
        let demands = try await onWorker { [self] () throws(Failure) -> Image in
            try exclusively(key) { () throws(Failure) -> Image in try beginStage(id, key, token, caller) }
        }
        try await takeIn(body, for: id, token, demanding: demands) { [self] (receipt, partial) throws(Failure) in
            try finishStage(key, token, caller, receipt, from: partial)
        }
    }

    private func beginStage(_ id: String, _ key: ImageKey, _ token: String, _ caller: Caller) throws(Failure) -> Image {
        guard let record = index.withLock({ $0.records[key] }) else { throw AccessRules.notFound(id) }
        try AccessRules.requireControl(caller, record.image)
        guard record.image.status == .queued else {
            throw Self.transition(of: record.image, to: .uploading)
        }
        show(.uploading, key, token)
        return demands(of: ImageUpdate(id: id, image: Image()), on: record.image)
    }

    private func finishStage(
        _ key: ImageKey, _ token: String, _ caller: Caller, _ receipt: UploadReceipt, from partial: String
    ) throws(Failure) {
        let present = index.withLock { $0.uploads[key] == token ? $0.records[key] : nil }
        guard var record = present else { throw Failure(.imageGone) }
        try AccessRules.requireControl(caller, record.image)
        record.image[.status] = .text(ImageStatus.uploading.rawValue)
        record.image[.updatedAt] = .time(.now)
        record.data = .staged(receipt)
        try move(partial, to: Self.stagedName, key)
        do throws(Failure) {
            try durablyReplace(record, key)
        } catch {
            // With a disk that failed the metadata may be there: then the data must be, too.
            if error.kind == .tooLarge { disk.removeTree("\(path(key))/\(Self.stagedName)") }
            throw error
        }
        index.withLock { $0.uploads[key] = nil }
    }

    private func move(_ file: String, to name: String, _ key: ImageKey) throws(Failure) {
        try guarded { () throws(DiskError) in
            try disk.rename(file, "\(path(key))/\(name)")
            try disk.synchronizeDirectory(path(key))
        }
    }

    /// Makes staged data the image's own. It is there when this returns; other methods fetch something, and this registry
    /// fetches nothing.
    func importImage(_ request: ImageImport, _ caller: Caller) async throws(Failure) {
        try AccessRules.requireControl(caller, try visible(request.id, caller).image)
        switch request.method {
        case .staged: break
        case .webDownload: throw Self.noMethod("web-download")
        case .copyImage: throw Self.noMethod("copy-image")
        case .other(let name): throw Self.noMethod(name)
        }
        if let store = request.stores.first {
            throw Failure(.conflict, "Store \(store) is not known: there is one store, without a name.")
        }
        try requireWritable()
        let key = ImageKey(request.id)
        try await onWorker { [self] () throws(Failure) in
            try exclusively(key) { () throws(Failure) in try importStaged(request.id, key, caller) }
        }
    }

    private func importStaged(_ id: String, _ key: ImageKey, _ caller: Caller) throws(Failure) {
        guard var record = index.withLock({ $0.records[key] }) else { throw AccessRules.notFound(id) }
        try AccessRules.requireControl(caller, record.image)
        guard record.image.status == .uploading, case .staged(let receipt) = record.data else {
            throw Self.transition(of: record.image, to: .importing)
        }
        do throws(Failure) { try rules.checkFormats(record.image) } catch {
            throw Failure(.conflict, error.message)
        }
        attach(receipt, to: &record)
        record.image[.updatedAt] = .time(.now)
        // A kill from here on leaves data that the next start knows for staged ones.
        try move("\(path(key))/\(Self.stagedName)", to: "data", key)
        do throws(Failure) {
            try durablyReplace(record, key)
        } catch {
            if error.kind == .tooLarge { try move("\(path(key))/data", to: Self.stagedName, key) }
            throw error
        }
    }

    private static func transition(of image: Image, to status: ImageStatus) -> Failure {
        Failure(
            .conflict,
            "Image status transition from \(image.text(.status) ?? "") to \(status.rawValue) is not allowed")
    }

    private static func noMethod(_ name: String) -> Failure {
        Failure(.badRequest, "The import method \(name) is not allowed here: only glance-direct is.")
    }
}
