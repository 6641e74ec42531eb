//! The filter flags as one filter of the decisions crate.

use daytwo_core::filter::Filter;
use daytwo_core::selector::Selector;

use crate::cli::shared::{Filters, Scope};
use crate::failure::{Failure, Result};

/// The filter that the flags describe.
///
/// # Errors
/// Exit 2 for a selector or pattern that cannot be read, or a name that is both included and excluded.
pub fn filter(flags: &Filters) -> Result<Filter> {
    let filter = Filter {
        include_namespaces: flags.include_namespaces.clone(),
        exclude_namespaces: flags.exclude_namespaces.clone(),
        include_resources: flags.include_resources.clone(),
        exclude_resources: flags.exclude_resources.clone(),
        selector: flags.selector.as_deref().map(selector).transpose()?,
        include_cluster_resources: flags.include_cluster_resources,
    };
    filter.check()?;
    Ok(filter)
}

/// A label selector.
///
/// # Errors
/// Exit 2 where it cannot be read.
pub fn selector(text: &str) -> Result<Selector> {
    text.parse().map_err(|error| {
        Failure::usage(format!("--selector {text:?}: {error}"))
            .or_try("-l 'app=web,tier in (front, back),!canary'")
    })
}

/// `-n` and `-A` as filters: `-n x` is `--include-namespaces x`.
///
/// # Errors
/// Exit 2 where both are given.
pub fn scoped(mut flags: Filters, scope: &Scope) -> Result<Filters> {
    if let Some(namespace) = &scope.namespace {
        if !flags.include_namespaces.is_empty() {
            return Err(Failure::usage("-n and --include-namespaces are both given"));
        }
        flags.include_namespaces = vec![namespace.clone()];
    }
    Ok(flags)
}
