//! What a restore would do to one object, field by field: what the backup holds, what is there, what is sent.
//!
//! For people who decide whether to let it happen. It refuses to compare by other rules than the restore does, and to
//! show a Secret's values unasked.

use super::content::{self, Lost};
use super::rules::{Rules, Source};
use super::{Action, Unfit};
use crate::diff::{Field, Noise, Options, Secrets, States, diff, three_way};
use crate::json::{Edits, Meta};

impl Rules {
    /// The fields of `source` that differ from `live`, which is in its place, and those that are changed on the way.
    /// `action` is what becomes of it: of what is left as it is `live` is what stays. Not shown are the owners, which
    /// it gets by the UIDs they have here, the namespace it goes to, and what a server decides.
    ///
    /// # Errors
    /// One of the two is no JSON object with metadata, or `source` cannot be changed as asked.
    pub fn fields(
        &self,
        source: &Source<'_>,
        live: Option<&[u8]>,
        action: Action,
        secrets: Secrets,
    ) -> Result<Vec<Field>, Unfit> {
        let Some(sent) = self.sent(source, live, action)? else { return Ok(Vec::new()) };
        let resource = source.resource.group_resource();
        // What it cannot get back is shown, though it does not count as differing.
        let bare = |object: &[u8]| content::compared(&resource, object, Lost::default());
        let states = (bare(source.bytes)?, live.map(bare).transpose()?, bare(&sent)?);
        let states = States { backup: &states.0, live: states.1.as_deref(), sent: &states.2 };
        let all = Options { noise: Noise::Show, secrets: Secrets::Show };
        let to_live = match live {
            Some(live) => {
                let (backup, live) = self.compared(source, &resource, live)?;
                diff(&resource, &backup, &live, all)?
            }
            None => Vec::new(),
        };
        let to_sent = match action {
            Action::Differs => to_live.clone(),
            _ => diff(&resource, states.backup, states.sent, all)?,
        };
        let whole = States { backup: source.bytes, live, sent: &sent };
        let mut fields = three_way(&resource, states, (to_live, to_sent), whole, secrets)?;
        // Where it goes is in its name.
        fields.retain(|field| match field.path.to_string().as_str() {
            "metadata.namespace" => false,
            "metadata.name" => resource != "namespaces",
            _ => true,
        });
        Ok(fields)
    }

    /// What is sent for `source`, or stays; `None` where nothing is.
    fn sent(
        &self,
        source: &Source<'_>,
        live: Option<&[u8]>,
        action: Action,
    ) -> Result<Option<Vec<u8>>, Unfit> {
        Ok(match (action, live) {
            (Action::Created | Action::Replaced | Action::Merged, _) => Some(self.prepare(source)?.body),
            (Action::Differs, Some(live)) => Some(live.to_vec()),
            (Action::Updated, Some(live)) => {
                let write = self.prepare(source)?;
                Some(self.over(&self.key(source), &write, None, &Meta::of(live)?)?)
            }
            _ => None,
        })
    }

    /// What is compared of both.
    fn compared(
        &self,
        source: &Source<'_>,
        resource: &str,
        live: &[u8],
    ) -> Result<(Vec<u8>, Vec<u8>), Unfit> {
        let changed = self.changed(source)?;
        let source = &Source { bytes: &changed.bytes, ..*source };
        let key = self.key(source);
        let lost = self.lost(resource, key.namespace.as_deref().unwrap_or_default(), &key.name);
        let mut edits = Edits::new();
        self.translate(source, resource, &mut edits)?;
        let backup = content::compared(resource, &edits.apply(source.bytes)?, lost)?;
        Ok((backup, content::compared(resource, live, lost)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::ResourceType;
    use crate::restore::{Census, Existing, NamespaceMapping, Request, Target};

    fn kind(group: &str, resource: &str, kind: &str) -> ResourceType {
        let namespaced = resource != "persistentvolumes";
        let text = str::to_owned;
        ResourceType {
            group: text(group),
            version: text("v1"),
            resource: text(resource),
            kind: text(kind),
            namespaced,
        }
    }

    fn rows(kind: &ResourceType, backup: &str, live: Option<&str>, action: Action) -> Vec<String> {
        let request = Request {
            namespace_mapping: NamespaceMapping::parse(["a:b"]).unwrap(),
            existing: Existing::Update,
            ..Request::default()
        };
        let rules = Rules::new(request, Census::default(), Target::default());
        let namespace = kind.namespaced.then_some("a");
        let source = Source { resource: kind, namespace, name: "x", bytes: backup.as_bytes() };
        let fields = rules.fields(&source, live.map(str::as_bytes), action, Secrets::Hide).unwrap();
        let row = |field: &Field| {
            let value = |value: &Option<Box<serde_json::value::RawValue>>| {
                value.as_deref().map_or("-", |value| value.get()).to_owned()
            };
            let values = [&field.backup, &field.live, &field.sent].map(value).join(" ");
            format!("{}: {values} {:?}", field.path, field.from)
        };
        fields.iter().map(row).collect()
    }

    const BACKUP: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"a","uid":"1",
        "resourceVersion":"5","ownerReferences":[{"kind":"K","name":"k","uid":"7"}]},"data":{"k":"old","s":"s"}}"#;
    const LIVE: &str = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x","namespace":"b","uid":"2",
        "resourceVersion":"9","generation":4},"data":{"k":"new","s":"s"}}"#;

    #[test]
    fn of_what_is_kept_the_live_value_stays_and_of_what_is_updated_the_backups_is_sent() {
        let maps = kind("", "configmaps", "ConfigMap");
        assert_eq!(rows(&maps, BACKUP, Some(LIVE), Action::Differs), [r#"data.k: "old" "new" "new" Live"#]);
        assert_eq!(rows(&maps, BACKUP, Some(LIVE), Action::Updated), [r#"data.k: "old" "new" "old" Backup"#]);
        assert_eq!(rows(&maps, BACKUP, Some(LIVE), Action::Same), [""; 0]);
    }

    #[test]
    fn of_what_is_created_only_what_is_changed_on_the_way_is_shown() {
        let volume = r#"{"metadata":{"name":"x","uid":"1","resourceVersion":"5"},"spec":{"capacity":{"storage":"1Gi"},
            "claimRef":{"namespace":"c","name":"c","uid":"2"},"persistentVolumeReclaimPolicy":"Delete"},"status":{}}"#;
        assert_eq!(
            rows(&kind("", "persistentvolumes", "PersistentVolume"), volume, None, Action::Created),
            [r#"spec.persistentVolumeReclaimPolicy: "Delete" - "Retain" Neither"#]
        );
        let maps = kind("", "configmaps", "ConfigMap");
        assert_eq!(
            rows(&maps, BACKUP, None, Action::Created),
            [""; 0],
            "an uid, an owner or the namespace it goes to is shown"
        );
    }

    #[test]
    fn what_the_restore_does_not_compare_is_no_field() {
        let deployments = kind("apps", "deployments", "Deployment");
        let revision = |number: u32, namespace: &str, replicas: u32| {
            format!(
                r#"{{"metadata":{{"name":"x","namespace":"{namespace}","annotations":{{"deployment.kubernetes.io/revision":"{number}"}}}},
                    "spec":{{"replicas":{replicas}}},"status":{{"replicas":{number}}}}}"#
            )
        };
        let shown = rows(&deployments, &revision(1, "a", 3), Some(&revision(2, "b", 5)), Action::Differs);
        assert_eq!(shown, ["spec.replicas: 3 5 5 Live"]);
    }
}
