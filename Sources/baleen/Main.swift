import Gateway

/// The command line. Synchronous on purpose: an async main loses signals on Linux.
@main
struct Main {
    static let version = "0.1.0"

    static let help = """
        baleen: a translating gateway for virtual-machine image registries

        usage:
          baleen serve [--config FILE]   runs the gateway (FILE: config/baleen.json5 or $BALEEN_CONFIG)
          baleen check [--config FILE]   reads the configuration and says every mistake in it
          baleen explain [--config FILE] [--live] REQUEST
                                         says what the gateway would do with a request, and sends nothing; with --live
                                         does it and shows the answers. REQUEST: a file with a raw HTTP request, - for
                                         standard input, or arguments as for curl: -X, -H, -d, -T, -I and an address
          baleen compatibility           prints docs/compatibility.md: operations and fields of every client and backend
          baleen hash-token              reads a token from standard input and prints its sha256 for a token file
          baleen --help | --version

        Every key of the configuration can be set by an environment variable: timeouts.bodyIdle is
        BALEEN_TIMEOUTS_BODY_IDLE. SIGTERM and SIGINT finish what runs and end with 0; a second one ends at once.

        exit codes: 0 done, 1 could not start, 2 wrong usage or a mistake in the configuration
        """

    static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "--help"?, "-h"?, "help"?: Console.say(help)
        case "--version"?: Console.say("baleen \(version)")
        case "serve"?:
            arguments.removeFirst()
            Console.exit(Serve.run(configuration: configuration(arguments)))
        case "check"?:
            arguments.removeFirst()
            let found = configuration(arguments)
            Console.say("\(found.origin): ok\n\(found.summary)")
        case "explain"?:
            arguments.removeFirst()
            let (named, rest) = split(arguments)
            Console.exit(Explain.run(configuration: configuration(named), arguments: rest))
        case "compatibility"? where arguments.count == 1: Console.say(CompatibilityPage.text())
        case "hash-token"? where arguments.count == 1: Console.exit(HashToken.run())
        default:
            Console.complain(arguments.first.map { "baleen: there is no command \"\($0)\"\n\n" + help } ?? help)
            Console.exit(2)
        }
    }

    /// The arguments that name a configuration, and the others.
    private static func split(_ arguments: [String]) -> (configuration: [String], others: [String]) {
        var named: [String] = []
        var others: [String] = []
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--config" {
                named.append(argument)
                if let value = rest.popFirst() { named.append(value) }
            } else if argument.hasPrefix("--config=") {
                named.append(argument)
            } else {
                others.append(argument)
            }
        }
        return (named, others)
    }

    /// The configuration that the arguments name; ends the process when it has mistakes.
    private static func configuration(_ arguments: [String]) -> Configuration {
        var file = Console.environment("BALEEN_CONFIG") ?? "config/baleen.json5"
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--config", let value = rest.popFirst() {
                file = value
            } else if argument.hasPrefix("--config="), argument.utf8.count > 9 {
                file = String(argument.dropFirst(9))
            } else {
                Console.complain("baleen: \"\(argument)\" is not understood; see baleen --help")
                Console.exit(2)
            }
        }
        do throws(ConfigurationError) {
            return try Configuration.load(file: file)
        } catch {
            Console.complain(error.description)
            Console.exit(2)
        }
    }
}
