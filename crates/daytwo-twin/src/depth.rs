//! Bodies that are nested deeply: as deep as a real server takes them, without ending a thread's stack.

/// Levels that any thread has room for.
pub(crate) const PLAIN: usize = 100;

/// Room for 10,000 levels of every recursion that walks a tree.
const ROOM: usize = 256 << 20;

/// How deep a JSON text is nested, as its brackets say.
pub(crate) fn of(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut at) = (0_usize, 0, 0);
    while let Some(&byte) = json.get(at) {
        at += 1;
        match byte {
            b'"' => at = after_text(json, at),
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Where what follows a string begins, of which `at` is the first byte.
fn after_text(json: &[u8], mut at: usize) -> usize {
    while let Some(found) = json.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        // Whatever is escaped is no end.
        at += 1;
    }
    json.len()
}

/// Does something, with room for deep trees where `deep`.
pub(crate) fn with_room<T>(deep: bool, act: impl FnOnce() -> T) -> T {
    if deep { stacker::grow(ROOM, act) } else { act() }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn brackets_count_but_those_in_texts() {
        for (text, depth) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{}],"b":[]}"#, 3),
            (r#"["[[[","\"[[","\\",[]]"#, 2),
            (r#"["[["#, 1),
            (r#"["\"#, 1),
            ("]]][", 1),
        ] {
            assert_eq!(of(text.as_bytes()), depth, "{text}");
        }
    }
}
