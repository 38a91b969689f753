import Bytes
import Glibc
import Images
import Synchronization

/// Changes on their way to the disk. What is called `durably` blocks and runs on a worker.
extension FileRegistry {
    func path(_ key: ImageKey) -> String { "\(settings.directory)/images/\(key.name)" }

    /// Runs work that may fail on a worker.
    func onWorker<R: Sendable>(_ work: @escaping @Sendable () throws(Failure) -> R) async throws(Failure) -> R {
        try await workers.run { () -> Result<R, Failure> in
            do throws(Failure) {
                return .success(try work())
            } catch {
                return .failure(error)
            }
        }.get()
    }

    /// Alone with one image.
    func exclusively<R: Sendable, E: Error>(_ key: ImageKey, _ work: () throws(E) -> R) throws(E) -> R {
        let stripe = stripes[Int(UInt(bitPattern: key.hashValue) % UInt(stripes.count))]
        return try stripe.mutex.withLock { (_: inout ()) throws(E) -> R in try work() }
    }

    func requireWritable() throws(Failure) {
        if let reason = readOnlyReason { throw Failure(.storeReadOnly, "The registry takes no writes: \(reason).") }
    }

    /// Changes one image: `change` sees the present record and says whether there is something to write.
    func change(
        _ id: String, _ change: @escaping @Sendable (inout ImageRecord) throws(Failure) -> Bool
    ) async throws(Failure) -> ImageRecord {
        try requireWritable()
        let key = ImageKey(id)
        return try await onWorker { [self] () throws(Failure) -> ImageRecord in
            try exclusively(key) { () throws(Failure) -> ImageRecord in
                guard var record = index.withLock({ $0.records[key] }) else { throw AccessRules.notFound(id) }
                if try change(&record) { try durablyReplace(record, key) }
                return record
            }
        }
    }

    /// Writes the metadata of an existing image and shows it. To be called alone with the image.
    func durablyReplace(_ record: ImageRecord, _ key: ImageKey) throws(Failure) {
        let metadata = try RecordCoding.encode(record)
        try guarded { () throws(DiskError) in try disk.replace("metadata.json", in: path(key), with: metadata) }
        index.withLock { $0.records[key] = record }
    }

    /// Makes a staged directory an image: metadata, rename, then it is shown.
    func durablyPublish(_ record: ImageRecord, _ key: ImageKey, staging: String) throws(Failure) {
        let metadata = try RecordCoding.encode(record)
        try guarded { () throws(DiskError) in
            try disk.create("\(staging)/metadata.json", metadata)
            try disk.synchronizeDirectory(staging)
            try disk.rename(staging, path(key))
            do throws(DiskError) {
                try disk.synchronizeDirectory("\(settings.directory)/images")
            } catch {
                disk.removeTree(path(key))
                throw error
            }
        }
        index.withLock {
            $0.reserved.remove(key)
            $0.records[key] = record
        }
    }

    /// Runs disk work; a failure is put into the client's words, and a failed fsync ends all writing.
    func guarded<R>(_ work: () throws(DiskError) -> R) throws(Failure) -> R {
        do throws(DiskError) {
            return try work()
        } catch {
            throw failure(of: error)
        }
    }

    func failure(of error: DiskError) -> Failure {
        if error.isFull {
            return Failure(.tooLarge, "There is not enough space left in the registry.", cause: "\(error)")
        }
        if error.isFatal {
            index.withLock {
                if $0.readOnly == nil {
                    $0.readOnly = "its disk failed (\(error.call): \(String(cString: strerror(error.code))))"
                }
            }
            return Failure(.unavailable, "The registry could not store the image safely.", cause: "\(error)")
        }
        if error.code == EMFILE || error.code == ENFILE || error.code == ENOMEM {
            return Failure(.unavailable, "The registry is out of resources.", cause: "\(error)")
        }
        return Failure(.internal, "The registry's storage failed.", cause: "\(error)")
    }

    func delete(_ id: String, _ caller: Caller) async throws(Failure) {
        try AccessRules.requireControl(caller, try visible(id, caller).image)
        try requireWritable()
        let key = ImageKey(id)
        let trash = "\(settings.directory)/trash/\(UUIDText.random())"
        try await onWorker { [self] () throws(Failure) in
            try exclusively(key) { () throws(Failure) in
                guard let record = index.withLock({ $0.records[key] }) else { throw AccessRules.notFound(id) }
                try AccessRules.requireControl(caller, record.image)
                if record.image.boolean(.protected) == true { throw Failure(.forbidden, "Image is protected") }
                try guarded { () throws(DiskError) in
                    try disk.rename(path(key), trash)
                    // From here on the image is gone whatever happens next.
                    index.withLock {
                        $0.records[key] = nil
                        $0.uploads[key] = nil
                    }
                    try disk.synchronizeDirectory("\(settings.directory)/images")
                }
            }
            disk.removeTree(trash)
        }
    }
}

extension Timestamp {
    /// The present moment.
    static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), microseconds: Int32(time.tv_nsec / 1000))
    }
}
