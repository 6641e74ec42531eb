//! The archive's word for a resource as the decisions crate's, which do not know each other.

use daytwo_archive::Resource;
use daytwo_core::resource::ResourceType;

/// The same resource.
pub fn core_type(resource: &Resource) -> ResourceType {
    ResourceType {
        group: resource.group.clone(),
        version: resource.version.clone(),
        resource: resource.resource.clone(),
        kind: resource.kind.clone(),
        namespaced: resource.namespaced,
    }
}

/// `deployment.apps/`, `pod/`: what `-o name` puts before an object's name, as kubectl does.
pub fn name_prefix(resource: &ResourceType) -> String {
    let singular = resource.kind.to_lowercase();
    if resource.group.is_empty() { format!("{singular}/") } else { format!("{singular}.{}/", resource.group) }
}
