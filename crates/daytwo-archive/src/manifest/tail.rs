//! What follows the objects in a manifest: head, files, members, signature.

use super::rows::LONGEST_TAIL;
use super::{CLOSING, Member, StoredFile};
use crate::digest::Digest;
use crate::gzip::MemberHeader;
use crate::head::Head;
use crate::sign::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// Readers refuse a larger one.
const FORMAT: u64 = 1;

/// What the signature is for.
const PURPOSE: &str = "BackupManifest";

/// Stands before the signature. No other line of the tail ends in a comma: its JSON has no line ends of its own.
const BEFORE_SIGNATURE: &str = ",\n\"signature\":";

/// All but the objects.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tail {
    format: u64,
    /// Over the lines of the objects.
    pub(crate) root: Digest,
    /// Every file but the manifest itself and `velero-backup.json`.
    pub(crate) files: Vec<StoredFile>,
    /// Of the archive, in their order.
    pub(crate) members: Vec<Member>,
    /// What the backup says about itself.
    pub(crate) head: Head,
    #[serde(default, skip_serializing)]
    signature: Option<Signature>,
    /// What the signature covers.
    #[serde(skip)]
    signed: Vec<u8>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signature {
    public_key: String,
    value: String,
}

impl Tail {
    pub(crate) fn new(root: Digest, files: Vec<StoredFile>, members: Vec<Member>, head: Head) -> Tail {
        Tail { format: FORMAT, root, files, members, head, signature: None, signed: Vec::new() }
    }

    /// The text that follows the last object, to the end of the document.
    pub(crate) fn to_text(&self, sign: Option<&SigningKey>) -> Vec<u8> {
        let json = serde_json::to_vec(self).expect("invariant: a tail is JSON");
        let body = &json[1..json.len() - 1];
        let mut text = CLOSING.as_bytes().to_vec();
        text.extend_from_slice(body);
        if let Some(key) = sign {
            let signature =
                Signature { public_key: key.verifying_key().to_base64(), value: key.sign(PURPOSE, body) };
            text.extend_from_slice(BEFORE_SIGNATURE.as_bytes());
            serde_json::to_writer(&mut text, &signature).expect("invariant: a vector takes all bytes");
        }
        text.extend_from_slice(b"}\n");
        text
    }

    /// Reads what [`Tail::to_text`] wrote, with or without its first line; else says what is wrong.
    pub(crate) fn parse(text: &[u8]) -> Result<Tail, String> {
        let body = text.strip_prefix(CLOSING.as_bytes()).unwrap_or(text);
        let mut json = Vec::with_capacity(body.len() + 1);
        json.push(b'{');
        json.extend_from_slice(body);
        #[derive(Deserialize)]
        struct Format {
            format: u64,
        }
        match serde_json::from_slice::<Format>(&json) {
            Ok(Format { format }) if format > FORMAT => {
                return Err(format!(
                    "has format {format}, and this daytwo reads up to {FORMAT}: use a newer one"
                ));
            }
            _ => {}
        }
        let mut tail: Tail = serde_json::from_slice(&json).map_err(|error| format!("is damaged: {error}"))?;
        if let Some(signature) = &tail.signature {
            let mark = memchr::memmem::rfind(body, BEFORE_SIGNATURE.as_bytes())
                .ok_or("is damaged: its signature is not where it belongs")?;
            tail.signed = body[..mark].to_vec();
            tail.head.signed_by = Some(signature.public_key.clone());
        }
        Ok(tail)
    }

    /// The key that signed, if the signature is one of that key over this tail. `Err` if there is one that is not.
    pub(crate) fn signer(&self) -> Result<Option<VerifyingKey>, &'static str> {
        let Some(signature) = &self.signature else { return Ok(None) };
        let key = VerifyingKey::from_base64(&signature.public_key).ok_or("its signature names no key")?;
        match key.verifies(PURPOSE, &self.signed, &signature.value) {
            true => Ok(Some(key)),
            false => Err("its signature does not belong to it"),
        }
    }
}

/// The last gzip member of a manifest, found in the manifest's last bytes; `None` if it does not begin among them.
pub(crate) fn find_tail(last_bytes: &[u8]) -> Option<&[u8]> {
    let mut end = last_bytes.len();
    while let Some(at) = memchr::memmem::rfind(&last_bytes[..end], &[0x1f, 0x8b, 8, 4]) {
        let member = &last_bytes[at..];
        if let Ok(MemberHeader { sizes: Some(sizes), .. }) = MemberHeader::parse(member)
            && sizes.plausible()
            && sizes.packed as usize == member.len()
            && sizes.raw as usize <= LONGEST_TAIL
        {
            return Some(member);
        }
        end = at;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gzip::{Holding, Packer};
    use crate::head::{Consistency, MadeBy, Phase, Server};

    fn tail() -> Tail {
        let head = Head {
            name: "b".into(),
            made_by: MadeBy::Velero,
            run: None,
            phase: Phase::Completed,
            started: None,
            finished: None,
            expires: None,
            server: Server::default(),
            revision: Some(7),
            consistency: Consistency::PerResource { why: ",\n\"signature\":".into() },
            objects: 0,
            bytes: None,
            counts: Vec::new(),
            problems: Vec::new(),
            left_out: Vec::new(),
            complete: Vec::new(),
            outside: Vec::new(),
            fallbacks: Vec::new(),
            warnings: Vec::new(),
            spec: serde_json::Value::Null,
            encrypted: false,
            signed_by: None,
        };
        Tail::new(Digest::of(b""), Vec::new(), Vec::new(), head)
    }

    #[test]
    fn a_signature_holds_until_one_byte_changes() {
        let key = SigningKey::generate();
        let text = tail().to_text(Some(&key));
        let read = Tail::parse(&text).unwrap();
        assert_eq!(read.signer(), Ok(Some(key.verifying_key())));
        assert_eq!(read.head.signed_by, Some(key.verifying_key().to_base64()));
        let changed = String::from_utf8(text).unwrap().replace("\"revision\":7", "\"revision\":8");
        assert!(Tail::parse(changed.as_bytes()).unwrap().signer().is_err());
    }

    #[test]
    fn an_unsigned_tail_has_no_signer() {
        assert_eq!(Tail::parse(&tail().to_text(None)).unwrap().signer(), Ok(None));
    }

    #[test]
    fn a_newer_format_is_named() {
        let text = String::from_utf8(tail().to_text(None)).unwrap().replace("\"format\":1", "\"format\":2");
        assert!(Tail::parse(text.as_bytes()).unwrap_err().contains("newer"));
    }

    #[test]
    fn the_last_member_is_found_from_the_end() {
        let mut packer = Packer::default();
        let first = packer.pack(&[1; 3000], &Holding::List).to_vec();
        let last = packer.pack(b"the tail", &Holding::List).to_vec();
        let file = [&first[..], &last].concat();
        assert_eq!(find_tail(&file), Some(&last[..]));
        assert_eq!(find_tail(&file[1..]), Some(&last[..]));
        assert_eq!(find_tail(&last[1..]), None);
    }
}
