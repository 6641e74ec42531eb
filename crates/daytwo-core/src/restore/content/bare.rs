//! An object as people compare it: JSON again, without what is not compared. It refuses to be written to a cluster.

use super::{All, Lost, Noise, absent, below, noise};
use crate::json::{JsonError, elements, fields, quote};

/// `object`, one of `resource`, with what [`super::feed`] feeds of it.
///
/// # Errors
/// It is not JSON.
pub(in crate::restore) fn compared(resource: &str, object: &[u8], lost: Lost) -> Result<Vec<u8>, JsonError> {
    let mut out = Vec::with_capacity(object.len());
    copy(object, noise(resource, object, lost)?, &mut out)?;
    Ok(out)
}

fn copy(bytes: &[u8], noise: &[&Noise], out: &mut Vec<u8>) -> Result<(), JsonError> {
    match bytes.first() {
        Some(b'{') => copy_object(bytes, noise, out),
        Some(b'[') => {
            out.push(b'[');
            for (place, element) in elements(bytes).enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                copy(&bytes[element?], noise, out)?;
            }
            out.push(b']');
            Ok(())
        }
        _ => {
            out.extend_from_slice(bytes);
            Ok(())
        }
    }
}

fn copy_object(bytes: &[u8], noise: &[&Noise], out: &mut Vec<u8>) -> Result<(), JsonError> {
    let start = out.len();
    for field in fields(bytes) {
        let field = field?;
        let inside: Vec<&Noise> = noise.iter().filter_map(|noise| below(noise, &field.key)).collect();
        let raw = &bytes[field.value];
        if inside.iter().any(|noise| matches!(noise, All)) || absent(&field.key, raw) {
            continue;
        }
        let before = out.len();
        out.push(if before == start { b'{' } else { b',' });
        out.extend_from_slice(quote(&field.key).as_bytes());
        out.push(b':');
        let value = out.len();
        copy(raw, &inside, out)?;
        // An annotation map that holds nothing but noise counts as none at all.
        if matches!(&*field.key, "annotations" | "labels") && !inside.is_empty() && &out[value..] == b"{}" {
            out.truncate(before);
        }
    }
    if out.len() == start {
        out.push(b'{');
    }
    out.push(b'}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::UNFINISHED_MARK;
    use crate::restore::content::feed;

    #[test]
    fn what_is_left_for_people_is_what_is_compared() {
        let object = format!(
            r#"{{ "apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{{"name":"c","uid":"u","labels":{{}},
                "annotations":{{"{UNFINISHED_MARK}":"x","pv.kubernetes.io/bind-completed":"yes"}}}},
                "spec":{{"volumeName":"v","list":[{{"a":null,"b":1}},2]}},"status":{{"phase":"Bound"}}}}"#
        );
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let claim = |lost| text(compared("persistentvolumeclaims", object.as_bytes(), lost).unwrap());
        assert_eq!(
            claim(Lost::default()),
            r#"{"metadata":{"name":"c"},"spec":{"volumeName":"v","list":[{"b":1},2]}}"#
        );
        let fed = |object: &[u8]| {
            let mut content = Vec::new();
            let mut sink = |part: &[u8]| content.extend_from_slice(part);
            feed("persistentvolumeclaims", object, Lost::default(), &mut sink).unwrap();
            content
        };
        assert_eq!(fed(claim(Lost::default()).as_bytes()), fed(object.as_bytes()));
        let emptied = claim(Lost { volume: true, ..Lost::default() });
        assert_eq!(emptied, r#"{"metadata":{"name":"c"},"spec":{"list":[{"b":1},2]}}"#);
    }
}
