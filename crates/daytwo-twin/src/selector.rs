//! Which objects a list or a watch is about: selectors of labels and of fields, with the server's words for those that
//! cannot be read (`k8s.io/apimachinery/pkg/{labels,fields}/selector.go`, v0.36).

mod fields;
mod labels;

pub use fields::FieldSelector;
pub use labels::labels;
