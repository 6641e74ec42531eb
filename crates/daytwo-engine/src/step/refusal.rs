//! What a server said about an object it refused, fit to be shown. It refuses to let a Secret's values through: a
//! server quotes what it cannot read.

use daytwo_core::json::{fields, find, string};

use crate::api::ApiError;

/// Shorter values are not looked for: they would blot out words that happen to look alike.
const SHORTEST: usize = 4;

/// The server's message; for a Secret (`body` is what was sent) without any of its values.
pub(super) fn message(resource: &str, error: &ApiError, body: &[u8]) -> String {
    let message = match error {
        ApiError::Status { message, .. } => message.trim_end().to_owned(),
        other => other.to_string(),
    };
    if resource != "secrets" {
        return message;
    }
    const WITHHELD: &str = "its message is withheld, as it may quote the Secret";
    // What a webhook or a policy says is its author's, whatever the code.
    let denied = |start: &str, end: &str| {
        let name = message.split_once(start)?.1.split_once(end)?.0;
        Some(format!("{start}{name}{end}; {WITHHELD}"))
    };
    let by_webhook = denied("admission webhook \"", "\" denied the request");
    if let Some(told) = by_webhook.or_else(|| denied("ValidatingAdmissionPolicy '", "'")) {
        return told;
    }
    // A body that could not be decoded is quoted in part, and of one that was not sent no value is known.
    if error.code() == Some(400) || body.is_empty() && error.code().is_some_and(|code| code == 422) {
        return format!("the server could not read it; {WITHHELD}");
    }
    values(body).into_iter().fold(message, |message, value| message.replace(&value, "<withheld>"))
}

/// The values of a Secret, as they stand and decoded, the longest first.
fn values(secret: &[u8]) -> Vec<String> {
    let mut values = Vec::new();
    for part in ["data", "stringData"] {
        let Ok(Some(span)) = find(secret, &[part]) else { continue };
        let map = &secret[span];
        if !map.starts_with(b"{") {
            continue;
        }
        for field in fields(map).flatten() {
            let Some(value) = string(&map[field.value]) else { continue };
            if let Some(text) = decode(&value) {
                values.extend(text.lines().map(str::to_owned));
                values.push(text);
            }
            values.push(value.into_owned());
        }
    }
    values.retain(|value| value.len() >= SHORTEST);
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values
}

/// Standard base64 of UTF-8 text.
fn decode(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in value.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(digit)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    fn refused(code: u16, message: &str) -> ApiError {
        ApiError::Status {
            method: Method::POST,
            path: "/api/v1/namespaces/a/secrets".into(),
            code,
            reason: "Invalid".into(),
            message: message.into(),
            retry_after: None,
        }
    }

    #[test]
    fn a_secret_s_value_that_the_server_quotes_is_withheld() {
        // "hunter2-hunter2"
        let body = br#"{"data":{"password":"aHVudGVyMi1odW50ZXIy"},"stringData":{"other":"open sesame"}}"#;
        let said = message(
            "secrets",
            &refused(
                422,
                "data[password]: Invalid value: \"hunter2-hunter2\", aHVudGVyMi1odW50ZXIy, open sesame",
            ),
            body,
        );
        assert_eq!(said, "data[password]: Invalid value: \"<withheld>\", <withheld>, <withheld>");
        let said = message("secrets", &refused(400, "unable to decode: ...open sesame"), body);
        assert!(!said.contains("sesame"), "{said}");
        let denied = "admission webhook \"w.x.io\" denied the request: sesame is no password";
        let said = message("secrets", &refused(400, denied), body);
        assert!(said.starts_with("admission webhook \"w.x.io\" denied the request;"), "{said}");
        assert!(!said.contains("sesame"), "{said}");
        // Of a patch or a delete nothing was sent that could be compared.
        for denied in
            [denied, "secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: sesame"]
        {
            let said = message("secrets", &refused(403, denied), &[]);
            assert!(said.contains("withheld") && !said.contains("sesame"), "{said}");
        }
    }

    #[test]
    fn what_the_server_says_of_other_objects_is_shown_whole() {
        assert_eq!(message("configmaps", &refused(422, "data: too long\n"), b"{}"), "data: too long");
    }
}
