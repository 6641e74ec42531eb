//! JSON printed for people without parsing it: white space is added, every digit, escape and key stays as stored.
//!
//! It expects valid JSON, which is what an archive holds; of anything else it prints the bytes with odd white space.

/// Indented JSON (two spaces, as kubectl prints it) with a newline at the end.
pub fn pretty(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len() * 2);
    indent(&mut out, json, 0);
    out.push(b'\n');
    out
}

/// Appends indented JSON that starts at column `depth` × 2; without a newline at the end.
pub fn indent(out: &mut Vec<u8>, json: &[u8], mut depth: usize) {
    let mut at = 0;
    while at < json.len() {
        let byte = json[at];
        match byte {
            b'"' => {
                let end = string_end(json, at);
                out.extend_from_slice(&json[at..end]);
                at = end;
                continue;
            }
            b'{' | b'[' => {
                out.push(byte);
                let next = skip_space(json, at + 1);
                if matches!(json.get(next), Some(b'}' | b']')) {
                    out.push(json[next]);
                    at = next + 1;
                    continue;
                }
                depth += 1;
                new_line(out, depth);
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                new_line(out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                new_line(out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => out.push(byte),
        }
        at += 1;
    }
}

/// The offset after the string that opens at `at`.
pub fn string_end(json: &[u8], at: usize) -> usize {
    let mut next = at + 1;
    while let Some(byte) = json.get(next) {
        match byte {
            b'\\' => next += 2,
            b'"' => return next + 1,
            _ => next += 1,
        }
    }
    json.len()
}

/// The offset of the first byte from `at` on that is no white space.
pub fn skip_space(json: &[u8], mut at: usize) -> usize {
    while matches!(json.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn new_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.extend(std::iter::repeat_n(b' ', depth * 2));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_escapes_and_key_order_stay() {
        let json = br#"{"z":12345678901234567890123,"a":[1.50,1e3,-0],"e":{},"l":[ ],"s":"\u0041\"{,"}"#;
        let text = String::from_utf8(pretty(json)).unwrap();
        assert_eq!(
            text,
            "{\n  \"z\": 12345678901234567890123,\n  \"a\": [\n    1.50,\n    1e3,\n    -0\n  ],\n  \"e\": {},\n  \
             \"l\": [],\n  \"s\": \"\\u0041\\\"{,\"\n}\n"
        );
    }

    #[test]
    fn a_string_that_never_ends_is_no_panic() {
        assert_eq!(pretty(br#"{"a":"b\"#), b"{\n  \"a\": \"b\\\n");
    }
}
