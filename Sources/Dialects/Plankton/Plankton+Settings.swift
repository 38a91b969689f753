extension Plankton {
    /// What may differ between the guides and the servers, each part settable on its own (plankton §2).
    public struct Settings: Sendable, Equatable {
        /// A set of defaults for all parts.
        public enum Profile: String, Sendable, CaseIterable {
            /// The guide of 1 April 2013 where kamaki can live with it.
            case guide
            /// Releases 0.16 to 0.20.
            case synnefo
        }

        public enum StatusCase: String, Sendable, CaseIterable {
            /// `available`, the same in headers and documents.
            case lower
            /// `AVAILABLE`; a header says `SAVING` where a document says `UNAVAILABLE`.
            case upper
        }

        public enum ListForm: String, Sendable, CaseIterable {
            /// A JSON array: all releases, and all that released kamaki versions read.
            case bare
            /// `{"images": [...]}`: the development branch.
            case wrapped
        }

        public enum SharedImages: String, Sendable, CaseIterable {
            /// `shared-images/M`: those that M shares with the caller.
            case by
            /// Those that are shared with M (0.13).
            case with
        }

        public enum Encoding: String, Sendable, CaseIterable {
            /// Only what a header cannot carry is percent-encoded.
            case least
            /// Everything but `A-Z a-z 0-9 _ . - /`.
            case full
        }

        /// `planktonStatusCase`.
        public var statusCase: StatusCase
        /// `planktonListForm`.
        public var listForm: ListForm
        /// `planktonForbidden`: 405 or 403.
        public var forbidden: Int
        /// `planktonPostReplaces`: a registration on a registered location resets what it does not name.
        public var postReplaces: Bool
        /// Direction of a list that does not name one.
        public var sortsAscending: Bool
        /// A value of `X-Image-Meta-Is-Public` that is neither true nor false is refused, instead of read as false.
        public var refusesOddIsPublic: Bool
        /// `planktonData`: `GET /images/ID` streams the data instead of answering 501.
        public var serveData: Bool
        public var sharedImages: SharedImages
        /// `planktonShowLocation`: locations other than `pithos:` are shown; they may carry credentials.
        public var showLocation: Bool
        /// Of names, keys and values in reply headers.
        public var encoding: Encoding
        /// `is-snapshot` and `description` are in the answers.
        public var showsSnapshotFields: Bool
        /// Status of a registration without location: 501 or 400.
        public var missingLocation: Int
        /// Status when there is no such file at the location: 400 or 404.
        public var absentFile: Int
        /// The explicit members of a public image are listed.
        public var showsMembersOfPublic: Bool
        /// Fault name of a token that nobody knows: `unauthorized` or `fault`.
        public var rejectedTokenFault: String

        public init(_ profile: Profile = .guide) {
            let isGuide = profile == .guide
            statusCase = isGuide ? .lower : .upper
            listForm = .bare
            forbidden = isGuide ? 405 : 403
            postReplaces = true
            sortsAscending = isGuide
            refusesOddIsPublic = isGuide
            serveData = false
            sharedImages = .by
            showLocation = false
            encoding = isGuide ? .least : .full
            showsSnapshotFields = !isGuide
            missingLocation = isGuide ? 501 : 400
            absentFile = isGuide ? 400 : 404
            showsMembersOfPublic = !isGuide
            rejectedTokenFault = isGuide ? "unauthorized" : "fault"
        }
    }
}
