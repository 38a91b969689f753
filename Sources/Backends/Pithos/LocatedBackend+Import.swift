import Bytes
import Dialects
import EventLoop
import Images

/// Registering an image with a copy of its object's data.
extension LocatedBackend {
    /// Seconds that the clocks of store and registry may differ: an object changed so shortly before its copy was made, or
    /// later, is copied again.
    private static let clockTolerance: Int64 = 300
    /// Pauses before attempts to take an image back, in milliseconds.
    private static let pauses: [Int64] = [0, 500, 2000, 10_000]

    /// What a copy is made of and with; goes into the background with it.
    private struct Plan: Sendable {
        var found: Found
        var caller: Caller
        var requestID: String
        /// The image that goes when the copy is there.
        var former: String?
        /// The location that this registration has claimed.
        var claim: String?

        var request: BackendRequest {
            BackendRequest(operation: .showImage(id: ""), caller: caller, requestID: requestID)
        }
    }

    func copy(_ creation: ImageCreation, _ found: Found, _ request: BackendRequest) async throws(Failure) -> Image {
        var plan = Plan(found: found, caller: request.caller, requestID: request.requestID)
        var creation = creation
        creation.image[.checksum] = found.demandedMD5.map { .text($0) } ?? .absent
        creation.image[.store] = .absent
        guard creation.replacesAtLocation || creation.mustExist else { return try await make(creation, &plan) }
        let location = found.object.location.canonical
        try registering.claim(location)
        plan.claim = location
        defer { if let claim = plan.claim { registering.release(claim) } }
        guard let former = try await backend.image(at: location, for: request) else {
            if creation.mustExist { throw Failure(.imageNotFound, "No image is registered at this location") }
            return try await make(creation, &plan)
        }
        if Self.isCurrent(former, creation.image, found.object) {
            return try await describe(former, by: creation, plan.request)
        }
        guard former.boolean(.protected) != true else {
            throw Failure(.forbidden, "The image at this location is protected.")
        }
        plan.former = former.id
        return try await make(creation, &plan)
    }

    /// Takes over the plan's claim where the copy is made in the background.
    private func make(_ creation: ImageCreation, _ plan: inout Plan) async throws(Failure) -> Image {
        var creation = creation
        creation.replacesAtLocation = false
        creation.mustExist = false
        let found = plan.found
        let request = plan.request
        guard settings.isBackground else {
            creation.source = .body(length: found.object.content.size)
            let image = try await naming(creation, by: found.object) { (creation) async throws(Failure) in
                try await bring(found, .createImage(creation), request)
            }
            guard let former = plan.former else { return image }
            do throws(Failure) {
                try await done(.deleteImage(id: former), request)
            } catch {
                guard error.kind != .imageNotFound else { return image }
                await takeBack(image.id, plan)
                throw error
            }
            return image
        }
        creation.source = .none
        try imports.reserve()
        let image: Image
        do throws(Failure) {
            image = try await naming(creation, by: found.object) { (creation) async throws(Failure) in
                try await self.image(.createImage(creation), request)
            }
        } catch {
            imports.release()
            throw error
        }
        let work = plan
        plan.claim = nil
        imports.start { [self] in
            await fill(image.id, work)
            if let claim = work.claim { registering.release(claim) }
        }
        return image
    }

    // MARK: Data

    /// Has the registry take an object's data; what it made of them is removed again when they are not the object's.
    func bring(_ found: Found, _ operation: Operation, _ request: BackendRequest) async throws(Failure) -> Image {
        let body = try ObjectBody(objects, found.object, token: found.token.text)
        let made: Image
        do throws(Failure) {
            made = try await image(operation, request, data: body)
        } catch {
            guard let fault = body.fault else { throw error }
            throw Self.failure(registering: fault, found.token)
        }
        guard body.isHeld(as: made) else {
            if case .createImage = operation {
                let plan = Plan(found: found, caller: request.caller, requestID: request.requestID)
                await takeBack(made.id, plan)
            }
            throw Failure(.badGateway, cause: "registry holds other data than were sent: SHA-512 differs")
        }
        return made
    }

    /// Brings the data of an image that waits for them; without them it does not stay.
    private func fill(_ id: String, _ plan: Plan) async {
        let object = plan.found.object
        var said = Image()
        said[.location] = .text(object.location.canonical)
        said[.size] = .integer(object.content.size)
        if let checksum = plan.found.demandedMD5 { said[.checksum] = .text(checksum) }
        let update = ImageUpdate(
            id: id, image: said, source: .body(length: object.content.size), verified: object.content)
        do throws(Failure) {
            guard !Task.isCancelled else { throw Failure(.unavailable, cause: "the gateway is shutting down") }
            _ = try await bring(plan.found, .updateImage(update), plan.request)
        } catch {
            report("failed", error, id, plan)
            return await takeBack(id, plan)
        }
        guard let former = plan.former else { return }
        do throws(Failure) {
            try await done(.deleteImage(id: former), plan.request)
        } catch {
            if error.kind != .imageNotFound {
                report("succeeded, but image \(former) stays beside it", error, id, plan)
            }
        }
    }

    // MARK: Undoing

    /// Removes an image that is not what it was to become, also for a client that has gone.
    private func takeBack(_ id: String, _ plan: Plan) async {
        let executor: any TaskExecutor = EventLoop.current?.taskExecutor ?? globalConcurrentExecutor
        await Task(executorPreference: executor) { [self] in
            var failure: Failure?
            for pause in Self.pauses where pause == 0 || !imports.isClosed {
                if pause > 0 { await Undoing.wait(pause) }
                failure = await removal(of: id, plan)
                guard failure != nil else { return }
            }
            if let failure { report("failed, and the image could not be removed", failure, id, plan) }
        }.value
    }

    /// Nil: it is gone.
    private func removal(of id: String, _ plan: Plan) async -> Failure? {
        do throws(Failure) {
            do throws(Failure) {
                try await done(.deleteImage(id: id), plan.request)
            } catch {
                guard error.kind == .forbidden else { throw error }
                var open = Image()
                open[.protected] = .boolean(false)
                _ = try await image(.updateImage(ImageUpdate(id: id, image: open)), plan.request)
                try await done(.deleteImage(id: id), plan.request)
            }
            return nil
        } catch {
            return error.kind == .imageNotFound ? nil : error
        }
    }

    private func report(_ what: String, _ failure: Failure, _ id: String, _ plan: Plan) {
        let why = failure.cause ?? failure.kind.rawValue
        settings.report("\(plan.requestID): import of image \(id) \(what): \(why)")
    }

    // MARK: Registering again

    /// Whether an image has the data that the object has now.
    private static func isCurrent(_ former: Image, _ wanted: Image, _ object: PithosObject) -> Bool {
        guard former.status == .active, former.integer(.size) == object.content.size,
            former.text(.checksum).map(ValueRules.isMD5) ?? false, let changed = object.changed,
            let made = former.time(.createdAt), changed.seconds + clockTolerance < made.seconds
        else { return false }
        // Formats of an image that has data do not change.
        return [ImageField.diskFormat, .containerFormat].allSatisfy { field in
            wanted.text(field).map { $0.sameBytes(as: former.text(field) ?? "") } ?? true
        }
    }

    /// Everything but the data is as the registration says, members and all (plankton §2).
    private func describe(
        _ former: Image, by creation: ImageCreation, _ request: BackendRequest
    ) async throws(Failure) -> Image {
        var wanted = creation.image
        for field in [ImageField.id, .status, .location, .size, .checksum, .store] { wanted[field] = .absent }
        if wanted[.isPublic].isAbsent { wanted[.isPublic] = .boolean(false) }
        let update = ImageUpdate(
            id: former.id, image: wanted, purgesProperties: creation.purgesOnReplace, fold: .plankton)
        let resets = creation.purgesOnReplace
        // Members of a public image may be out of reach, and would come back with its privacy.
        if resets, wanted.isPublic, !former.isPublic { try await removeMembers(of: former.id, request) }
        let changed = try await image(.updateImage(update), request)
        if resets, !wanted.isPublic { try await removeMembers(of: former.id, request) }
        return changed
    }

    private func removeMembers(of id: String, _ request: BackendRequest) async throws(Failure) {
        do throws(Failure) {
            try await done(.replaceMembers(id: id, members: []), request)
        } catch {
            // A registry without members.
            guard error.kind == .membershipForbidden else { throw error }
        }
    }
}
