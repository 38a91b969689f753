import Gateway
import Glibc

/// `baleen hash-token`: what stands for a token in a token file. From standard input, because arguments are seen by
/// every user of the machine.
enum HashToken {
    /// - Returns: the exit code.
    static func run() -> Int32 {
        guard let token = readLine(strippingNewline: true), readLine() == nil else {
            Console.complain("baleen: give one token, one line, on standard input")
            return 2
        }
        guard let digest = TokenDigest.text(of: token) else {
            Console.complain(
                "baleen: a token has at least \(TokenDigest.minTokenBytes) characters, no blanks and no control characters"
            )
            return 2
        }
        Console.say(digest)
        return 0
    }
}
