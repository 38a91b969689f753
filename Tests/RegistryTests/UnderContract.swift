import Backends
import Images
import Testing

extension Backend {
    /// The same backend, whose broken promises fail the test.
    func underContract() -> any Backend {
        ContractBackend(self) { Issue.record("contract of \($0)") }
    }
}
