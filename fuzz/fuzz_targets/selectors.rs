//! Any text as a selector of labels and of fields: it is read or refused, never a panic; what is read can be asked.

#![no_main]

use daytwo_core::resource::ResourceType;
use daytwo_twin::ask::Object;
use daytwo_twin::selector::{FieldSelector, labels};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match labels(text) {
        Ok(selector) => drop(selector.matches(|_| None)),
        Err(status) => assert_eq!(status.code, 400),
    }
    let kind = ResourceType {
        group: String::new(),
        version: "v1".into(),
        resource: "pods".into(),
        kind: "Pod".into(),
        namespaced: true,
    };
    let Ok(mut fields) = FieldSelector::parse(text) else { return };
    if fields.check(&kind, None).is_ok() {
        fields.matches(&kind, &Object::new());
    }
});
