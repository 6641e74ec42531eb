//! Words of a POSIX shell, quoted so that what is pasted is what was meant.

/// `word` as one word of a shell: as it is where nothing in it means anything, else in single quotes.
///
/// ```
/// assert_eq!(daytwo_core::recovery::quote("/var/lib/etcd"), "/var/lib/etcd");
/// assert_eq!(daytwo_core::recovery::quote("it's a copy.db"), r"'it'\''s a copy.db'");
/// ```
pub fn quote(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:=,@%+".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A command of these words.
pub(super) fn command(words: &[&str]) -> String {
    words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")
}

/// A command whose `flags` stand on lines of their own, each a flag and its value.
pub(super) fn long(command: &str, flags: &[(&str, &str)]) -> String {
    let mut text = command.to_owned();
    for (flag, value) in flags {
        text.push_str(" \\\n  ");
        text.push_str(flag);
        if !value.is_empty() {
            text.push(' ');
            text.push_str(&quote(value));
        }
    }
    text
}

/// `from` renamed to `to`, unless `to` is there already.
pub(super) fn aside(from: &str, to: &str) -> String {
    command(&["mv", "-nvT", from, to])
}
