/// Differences between the dialects that no translation can hide, with their numbers on the compatibility page.
public enum Difference: Int, Sendable, CaseIterable {
    /// v2 has no deleted images; v1 lists them for administrators (mapping §9).
    case deletedImages = 1
    /// Times that a client sets are the registry's own (mapping §3.8).
    case clientTimes = 2
    /// v2 has whole seconds (mapping §3.8).
    case wholeSeconds = 3
    /// A Pithos hash is no MD5 and is withheld from v1 and v2 (mapping §3.7).
    case checksumWithheld = 4
    /// SHA-512 is known to v2 registries only (mapping §9).
    case noSecureHash = 5
    /// v1 and Plankton have no member status: all members have accepted (mapping §3.9).
    case memberStatus = 6
    /// Nothing of v2 lets a member share on: shown, without effect (mapping §3.9).
    case canShare = 7
    /// The first API lists public images only (glance-2010 §2).
    case publicOnly = 8
    /// The first API has no owners and no members (mapping §6.5).
    case noOwners = 9
    /// Tags are a set: order and doubles are lost (mapping §9).
    case tagOrder = 10
    /// `-` and `_`, and letter case, are one in the headers that clients of v1, Plankton and 2010 send (mapping §9).
    case foldedNames = 11
    /// A null property is an empty one (mapping §4.2).
    case nullProperty = 12
    /// Registering again removes the members of a Plankton image (plankton §2).
    case membersReset = 13
    /// Locations of registries are shown to clients of their own dialect only (mapping §3.6).
    case locationHidden = 14
    /// Members of public images are hidden on v2 until the image is shared again (mapping §6.1).
    case publicMembers = 15
    /// The disk format of a Plankton image that nobody registered through the gateway shows as `raw` (mapping §3.4).
    case plainDump = 16
    /// v1, Plankton and 2010 know public and not public, of which v2 has three kinds (mapping §3.2).
    case publicOrNot = 17
    /// The client's dialect has no word for the field (mapping §2).
    case noWord = 18
    /// Whom an image belongs to is the registry's to say (mapping §3.9, plankton §4).
    case owners = 19
    /// v2 shows properties beside attributes (mapping §4.2).
    case attributeNames = 20
    /// v1 registries fill in the other half of an Amazon pair (glance-v1 §2.4).
    case completedFormats = 21
    /// No header tells an empty name from none (mapping §1).
    case emptyName = 22
}

extension Difference {
    /// A few words: the name of the test that shows the difference, behind its number.
    public var title: String { told.title }

    /// What an operator must know.
    public var sentence: String { told.sentence }

    private var told: (title: String, sentence: String) {
        switch self {
        case .deletedImages:
            (
                "a v2 registry has no deleted images to show",
                "An administrator's v1 list with `deleted=true` is empty in front of a v2 registry, which keeps no deleted images; no v2 client is shown when an image was deleted."
            )
        case .clientTimes:
            (
                "times that a client sets are dropped",
                "`created_at`, `updated_at` and `deleted_at` in a request are read and dropped: the registry sets its own."
            )
        case .wholeSeconds:
            (
                "v2 has whole seconds",
                "A v2 registry keeps whole seconds; clients of v2, Plankton and 2010 are shown whole seconds: fractions of other registries are cut off."
            )
        case .checksumWithheld:
            (
                "a Pithos hash is not shown as an MD5",
                "Plankton's checksum is the hash of a block map. Clients of v1 and v2, which compare a checksum with the MD5 of the data, are not shown one that is no MD5; a Plankton registry keeps no MD5."
            )
        case .noSecureHash:
            (
                "only v2 clients see a secure hash",
                "`os_hash_algo` and `os_hash_value` have no words in v1, Plankton and 2010: their registries have none, their clients see none."
            )
        case .memberStatus:
            (
                "all members of other registries have accepted",
                "v1 and Plankton have no member status. Their clients see every member, whatever its status; v2 clients see every member of such a registry as `accepted`, and can set no other status."
            )
        case .canShare:
            (
                "can_share is kept but lets nobody share",
                "v2 and Plankton have no `can_share`: a mark keeps it for v1 clients, v2 and Plankton clients do not see it, and the member still cannot share the image."
            )
        case .publicOnly:
            (
                "2010 clients list public images only",
                "The first API has lists of public images only; others are reached by their id."
            )
        case .noOwners:
            (
                "2010 knows no owners and no members",
                "2010 clients see neither owners nor members; 2010 registries hold none, so that calls on members fail and everybody owns everything."
            )
        case .tagOrder:
            (
                "tags are a set",
                "The order of an image's tags, and doubles among them, are lost."
            )
        case .foldedNames:
            (
                "property names of header dialects are folded",
                "In the names of properties that clients of v1, Plankton and 2010 send, capitals become small and `-` becomes `_` (Plankton: all punctuation). An update finds the property that is meant, however it is spelled."
            )
        case .nullProperty:
            (
                "a null property is an empty one",
                "v2 registries hold a null property as an empty text, which v1 clients see as null again, v2 clients as empty; Plankton has no empty properties and shows neither. A v1 registry tells null properties in lists only."
            )
        case .membersReset:
            (
                "registering again removes the members",
                "A Plankton registration of a location that is registered resets the image, and its members with it."
            )
        case .locationHidden:
            (
                "locations are shown where they belong",
                "v1 and 2010 clients are never shown a location, Plankton clients only `pithos:` ones, v2 clients locations and stores only where the mount is configured so: they may carry credentials."
            )
        case .publicMembers:
            (
                "a v2 registry refuses members of public images",
                "v1 lets a public image have members; a v2 registry refuses them, and hides those it has until the image is shared again."
            )
        case .plainDump:
            (
                "a raw image shows as diskdump to Plankton clients",
                "Plankton has `diskdump`, `extdump` and `ntfsdump`, which are `raw` with a mark elsewhere; a `raw` image of others is shown to Plankton clients as `diskdump`, and v2 clients are shown all three as `raw`."
            )
        case .publicOrNot:
            (
                "private, shared and community are all not public",
                "v1, Plankton and 2010 clients see only whether an image is public; what they do not say of the other three kinds stays as it is."
            )
        case .owners:
            (
                "whom an image belongs to is the registry's rule",
                "A Plankton image belongs to the account of its location, whatever a registration says of its owner; registries of v1 and v2 take another owner than the caller's tenant from administrators only, and the gateway makes the image without it for others."
            )
        case .attributeNames:
            (
                "a property named like an attribute is not shown to v2 clients",
                "Other dialects have properties in a place of their own: one that is named like an attribute of v2 (`size`, `owner`, `self`) is kept, and shown to their clients only."
            )
        case .completedFormats:
            (
                "a v1 registry completes Amazon formats",
                "An image with one of `ami`, `ari`, `aki` for one format and none for the other has it for both in a v1 registry, and when a client of v1 or 2010 says so."
            )
        case .emptyName:
            (
                "an empty name is none for v1 and 2010",
                "An image with an empty name, which only v2 clients can make, has none in registries of v1 and 2010, and for their clients."
            )
        case .noWord:
            (
                "what a dialect has no word for stays on the image",
                "A field that the client's dialect has no word for is not shown to it, and its updates leave it alone."
            )
        }
    }
}
