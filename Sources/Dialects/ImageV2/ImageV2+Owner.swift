import Bytes
public import Images

extension ImageV2 {
    /// Owners are given by administrators only (image-v2 §5). Who asks is not known where only the registry can tell:
    /// there it decides.
    public func check(_ operation: Images.Operation, by caller: Caller) throws(Failure) {
        guard let own = caller.owner, !caller.isAdministrator else { return }
        switch operation {
        case .createImage(let creation):
            let owner = creation.image[.owner]
            guard owner.isAbsent || owner == .text(own) else {
                throw Failure(
                    .forbidden, "You are not permitted to create images owned by '\(owner.text ?? "None")'.")
            }
        case .updateImage(let update):
            guard update.image[.owner].isAbsent else {
                throw Failure(.forbidden, "Owner can't be updated by non admin.")
            }
        default: return
        }
    }
}
