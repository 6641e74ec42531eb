//! The table of built-in kinds, `kinds.txt`: which columns a kind has and where its cells come from. What a path alone
//! cannot say is in functions, found by name.

use std::collections::HashMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    admission, age, autoscaler, binding, certificate, claims, event, flow, network, node, pod, read, selector,
};
use super::{quota, volume, workload};
use crate::ask::Object;

/// Makes one cell.
type Cell = fn(&Object, Timestamp) -> Value;

/// Makes all cells of a row.
type Row = fn(&Object, Timestamp) -> Vec<Value>;

/// How a kind prints.
#[derive(Debug)]
pub(super) struct Kind {
    row: Option<Row>,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    heading: &'static str,
    kind: &'static str,
    named: bool,
    wide: bool,
    headed: bool,
    source: Source,
}

type Path = Vec<&'static str>;

#[derive(Debug)]
enum Source {
    Text(Path, &'static str),
    Filled(Path, &'static str),
    Int(Path),
    Bool(Path, bool),
    Count(Vec<Path>),
    Since(Path, Option<&'static str>),
    Labels(Path),
    Selector(Path),
    Join(Path),
    Member(Path, &'static str),
    By(Cell),
    /// The kind's function makes it.
    Row,
}

impl Kind {
    /// The printer of a built-in kind; `None` for one with the default table.
    pub(super) fn of(group: &str, kind: &str) -> Option<&'static Kind> {
        let (kinds, names) = &*KINDS;
        let name = if group.is_empty() { kind.to_owned() } else { format!("{group}/{kind}") };
        names.get(name.as_str()).and_then(|at| kinds.get(*at))
    }

    /// The headings.
    pub(super) fn columns(&self) -> impl Iterator<Item = Value> {
        self.columns.iter().filter(|column| column.headed).map(|column| {
            let format = if column.named { "name" } else { "" };
            super::heading(column.heading, column.kind, format, "", column.wide.into())
        })
    }

    /// The cells of an object.
    pub(super) fn cells(&self, object: &Object, now: Timestamp) -> Vec<Value> {
        match self.row {
            Some(row) => row(object, now),
            None => self.columns.iter().map(|column| column.source.cell(object, now)).collect(),
        }
    }
}

impl Source {
    fn cell(&self, object: &Object, now: Timestamp) -> Value {
        match self {
            Self::Text(path, absent) => {
                read::at(object, path).and_then(read::scalar).unwrap_or_else(|| (*absent).to_owned()).into()
            }
            Self::Filled(path, absent) => {
                let text = read::text(object, path);
                if text.is_empty() { (*absent).into() } else { text.into() }
            }
            Self::Int(path) => read::int(object, path).into(),
            Self::Bool(path, absent) => {
                read::at(object, path).and_then(Value::as_bool).unwrap_or(*absent).into()
            }
            Self::Count(paths) => paths.iter().map(|path| size(read::at(object, path))).sum::<usize>().into(),
            Self::Since(path, absent) => match (read::at(object, path), absent) {
                (None, Some(words)) => (*words).into(),
                (time, _) => age::since(time, now).into(),
            },
            Self::Labels(path) => selector::labels(read::at(object, path)).into(),
            Self::Selector(path) => selector::selector(read::at(object, path)).into(),
            Self::Join(path) => joined(read::list(object, path).iter().filter_map(Value::as_str)).into(),
            Self::Member(path, name) => {
                joined(read::list(object, path).iter().map(|member| read::field(member, name))).into()
            }
            Self::By(cell) => cell(object, now),
            Self::Row => Value::Null,
        }
    }

    fn of(text: &'static str) -> Option<Self> {
        let mut words = text.splitn(2, ' ');
        let (what, rest) = (words.next()?, words.next().unwrap_or_default());
        let (path, absent) = rest.split_once(' ').unwrap_or((rest, ""));
        let path: Path = path.split('.').collect();
        Some(match what {
            "" => Self::Row,
            "name" => Self::Text(vec!["metadata", "name"], ""),
            "age" => Self::Since(vec!["metadata", "creationTimestamp"], None),
            "text" => Self::Text(path, absent),
            "filled" => Self::Filled(path, absent),
            "int" => Self::Int(path),
            "bool" => Self::Bool(path, absent == "true"),
            "count" => Self::Count(rest.split(' ').map(|path| path.split('.').collect()).collect()),
            "since" => Self::Since(path, Some(absent)),
            "labels" => Self::Labels(path),
            "selector" => Self::Selector(path),
            "join" => Self::Join(path),
            "containers" => Self::Member(path, "name"),
            "images" => Self::Member(path, "image"),
            "by" => Self::By(cell(rest)?),
            _ => return None,
        })
    }
}

fn size(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Array(members)) => members.len(),
        Some(Value::Object(fields)) => fields.len(),
        _ => 0,
    }
}

/// With commas between.
pub(super) fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().collect::<Vec<_>>().join(",")
}

fn row(name: &str) -> Option<Row> {
    Some(match name {
        "pod" => pod::pod,
        "event" => event::event,
        "component" => node::component,
        "pool_status" => claims::pool_status,
        _ => return None,
    })
}

fn cell(name: &str) -> Option<Cell> {
    let cells: [(&str, Cell); 59] = [
        ("address_parent", network::address_parent),
        ("api_available", flow::api_available),
        ("api_service", flow::api_service),
        ("autoscaler_reference", autoscaler::reference),
        ("autoscaler_targets", autoscaler::targets),
        ("balancer_addresses", network::balancer_addresses),
        ("binding_accounts", binding::accounts),
        ("binding_groups", binding::groups),
        ("binding_parameters", admission::binding_parameters),
        ("binding_role", binding::role),
        ("binding_users", binding::users),
        ("claim_capacity", volume::claim_capacity),
        ("claim_modes", volume::claim_modes),
        ("claim_state", claims::claim_state),
        ("cron_job_suspend", workload::cron_job_suspend),
        ("deployment_selector", workload::deployment_selector),
        ("driver_audiences", volume::driver_audiences),
        ("driver_modes", volume::driver_modes),
        ("endpoints", network::endpoints),
        ("flow_dangling", flow::dangling),
        ("group_policy", workload::group_policy),
        ("group_status", workload::group_status),
        ("ingress_class_name", network::ingress_class_name),
        ("ingress_class_parameters", network::ingress_class_parameters),
        ("ingress_hosts", network::ingress_hosts),
        ("ingress_ports", network::ingress_ports),
        ("job_completions", workload::job_completions),
        ("job_duration", workload::job_duration),
        ("job_status", workload::job_status),
        ("level_hand", flow::level_hand),
        ("level_queue_length", flow::level_queue_length),
        ("level_queues", flow::level_queues),
        ("level_shares", flow::level_shares),
        ("migration_resource", flow::migration_resource),
        ("migration_status", flow::migration_status),
        ("node_external", node::external),
        ("node_internal", node::internal),
        ("node_kernel", node::kernel),
        ("node_roles", node::roles),
        ("node_status", node::status),
        ("pod_request_state", certificate::pod_request_state),
        ("policy_parameters", admission::policy_parameters),
        ("quota_limits", quota::limits),
        ("quota_requests", quota::requests),
        ("ready_of_replicas", workload::ready_of_replicas),
        ("request_duration", certificate::request_duration),
        ("request_state", certificate::request_state),
        ("revision_controller", workload::revision_controller),
        ("service_external", network::service_external),
        ("service_internal", network::service_internal),
        ("service_ports", network::service_ports),
        ("slice_endpoints", network::slice_endpoints),
        ("slice_ports", network::slice_ports),
        ("storage_class_name", volume::class_name),
        ("storage_versions", flow::storage_versions),
        ("volume_claim", volume::claim),
        ("volume_class", volume::class),
        ("volume_modes", volume::modes),
        ("volume_phase", volume::phase),
    ];
    cells.iter().find(|(known, _)| *known == name).map(|(_, cell)| *cell)
}

type Kinds = (Vec<Kind>, HashMap<&'static str, usize>);

static KINDS: LazyLock<Kinds> =
    LazyLock::new(|| parse(include_str!("kinds.txt")).expect("invariant: a test reads all of kinds.txt"));

fn parse(text: &'static str) -> Result<Kinds, &'static str> {
    let (mut kinds, mut names): Kinds = (Vec::new(), HashMap::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some((called, function)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            names.extend(called.split(", ").map(|name| (name, kinds.len())));
            let row = match function.trim() {
                "" => None,
                name => Some(row(name).ok_or(line)?),
            };
            kinds.push(Kind { row, columns: Vec::new() });
        } else {
            kinds.last_mut().ok_or(line)?.columns.push(column(line).ok_or(line)?);
        }
    }
    Ok((kinds, names))
}

fn column(line: &'static str) -> Option<Column> {
    let mut parts = line.split(" | ");
    let heading = parts.next()?;
    let mut marks = parts.next()?.split(' ');
    let kind = marks.next()?;
    let source = Source::of(parts.next().unwrap_or_default())?;
    let mut column = Column { heading, kind, named: false, wide: false, headed: true, source };
    for mark in marks {
        match mark {
            "named" => column.named = true,
            "wide" => column.wide = true,
            "unheaded" => column.headed = false,
            _ => return None,
        }
    }
    Some(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood_and_a_wrong_one_is_not() {
        let (kinds, names) = parse(include_str!("kinds.txt")).unwrap();
        assert!(names.len() > kinds.len());
        for kind in &kinds {
            let made = kind.columns.iter().all(|column| matches!(column.source, Source::Row));
            assert_eq!(made, kind.row.is_some(), "{kind:?}");
        }
        for wrong in
            ["Name | string | name", "[A] nothing", "[A]\nName | string | nothing", "[A]\nName | string odd"]
        {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
