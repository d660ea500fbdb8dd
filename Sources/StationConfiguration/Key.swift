/// One key, declared once: the decoder, what is said about mistakes, and docs/configuration.md all come from here.
struct Key<Target>: Sendable {
    var name: String
    /// What it sets, for the owner.
    var meaning: String
    /// What it may be.
    var words: String
    var choices: [String]
    /// As it is written in TOML.
    var example: String
    /// False if `written` is not of this form.
    var take: @Sendable (_ written: Written, _ target: inout Target) -> Bool
    /// The value as TOML; nil if there is none.
    var show: @Sendable (_ target: Target) -> String?

    init<Value: Sendable>(
        _ name: String, _ path: any WritableKeyPath<Target, Value> & Sendable, _ form: Form<Value>, example: String,
        _ meaning: String
    ) {
        self.init(name, form, example, meaning) {
            $0[keyPath: path] = $1
        } show: {
            form.show($0[keyPath: path])
        }
    }

    /// A key that may be left out, and then means nothing.
    init<Value: Sendable>(
        _ name: String, _ path: any WritableKeyPath<Target, Value?> & Sendable, _ form: Form<Value>, example: String,
        _ meaning: String
    ) {
        self.init(name, form, example, meaning) {
            $0[keyPath: path] = $1
        } show: {
            $0[keyPath: path].map(form.show)
        }
    }

    private init<Value>(
        _ name: String, _ form: Form<Value>, _ example: String, _ meaning: String,
        set: @escaping @Sendable (inout Target, Value) -> Void, show: @escaping @Sendable (Target) -> String?
    ) {
        (self.name, self.meaning, self.example, self.show) = (name, meaning, example, show)
        (words, choices) = (form.words, form.choices)
        take = { written, target in
            guard let value = form.read(written) else { return false }
            set(&target, value)
            return true
        }
    }

    /// The same key of something that holds the target.
    func lifted<Outer>(_ path: any WritableKeyPath<Outer, Target> & Sendable) -> Key<Outer> {
        Key<Outer>(
            name: name, meaning: meaning, words: words, choices: choices, example: example,
            take: { [take] in take($0, &$1[keyPath: path]) }, show: { [show] in show($0[keyPath: path]) })
    }

    private init(
        name: String, meaning: String, words: String, choices: [String], example: String,
        take: @escaping @Sendable (Written, inout Target) -> Bool, show: @escaping @Sendable (Target) -> String?
    ) {
        (self.name, self.meaning, self.words, self.choices) = (name, meaning, words, choices)
        (self.example, self.take, self.show) = (example, take, show)
    }
}
