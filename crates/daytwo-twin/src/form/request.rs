//! Bodies in protobuf, as kubectl and client-go write some.
//!
//! It refuses what is stored at another encoding, and fields of a newer Kubernetes: those are passed over, as the server
//! passes over them.

use daytwo_core::resource::ResourceType;
use daytwo_etcd::kube::{self, Envelope};

use super::MINOR;
use super::identity::{unrecognized, unregistered};
use crate::ask::Object;
use crate::field::quoted;
use crate::status::{Result, Status};

/// What objects in protobuf begin with.
const PREFIX: &[u8] = b"k8s\0";

/// What a body in protobuf says, as JSON with apiVersion and kind: to be given to [`super::decode`].
///
/// # Errors
/// 400 where it is none, or of a kind that no server of the minor knows.
pub fn protobuf(kind: &ResourceType, body: &[u8]) -> Result<Object> {
    let refused = |why: &str| unrecognized(&kind.kind, why, body);
    if body.is_empty() {
        return Err(refused("empty data"));
    }
    if body == PREFIX {
        return Err(refused("empty body"));
    }
    let (said, raw) = match Envelope::open(body) {
        Ok(Envelope::Protobuf { gvk, raw }) => (gvk, raw),
        Ok(_) => {
            return Err(refused(
                "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]",
            ));
        }
        Err(why) => return Err(refused(why)),
    };
    // Every group has these.
    let meta = kind.group == "meta.k8s.io" && said.kind == kind.kind;
    let (group, version) = if meta { (&kind.group, &kind.version) } else { (&said.group, &said.version) };
    let Some(decoded) = kube::decode(group, version, &said.kind, raw, MINOR) else {
        return Err(Status::bad_request(format!(
            "{} in version {} cannot be handled as a {}: {}",
            said.kind,
            quoted(&said.version),
            kind.kind,
            unregistered(&said.kind, &said.api_version())
        )));
    };
    let decoded = decoded.map_err(|damage| refused(&format!("{}: {}", damage.path, damage.what)))?;
    let mut object = Object::new();
    object.insert("kind".to_owned(), said.kind.clone().into());
    object.insert("apiVersion".to_owned(), said.api_version().into());
    object.extend(decoded.fields);
    Ok(object)
}
