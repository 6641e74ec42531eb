use super::lack::Lack;
use super::*;
use crate::resource::ResourceType;
use crate::restore::{Census, DataElsewhere, Request, ServedKind, Target};

fn kind(group: &str, resource: &str, kind: &str, namespaced: bool) -> ResourceType {
    ResourceType {
        group: group.into(),
        version: "v1".into(),
        resource: resource.into(),
        kind: kind.into(),
        namespaced,
    }
}

/// Notes what `action` on each object needs.
fn needs(objects: &[(&ResourceType, &str)], action: Action) -> Needs {
    let request = Request::default();
    let mut census = Census::new(DataElsewhere::default());
    let mut target = Target::default();
    let sources: Vec<(Option<String>, String)> = objects
        .iter()
        .map(|(_, bytes)| {
            let meta = crate::json::Meta::of(bytes.as_bytes()).unwrap();
            (meta.namespace.map(|name| name.into_owned()), meta.name.into_owned())
        })
        .collect();
    let source = |at: usize| Source {
        resource: objects[at].0,
        namespace: sources[at].0.as_deref(),
        name: &sources[at].1,
        bytes: objects[at].1.as_bytes(),
    };
    for (at, (kind, _)) in objects.iter().enumerate() {
        census.note(&request, &source(at)).unwrap();
        let served = ServedKind {
            kind: kind.kind.clone(),
            versions: vec![kind.version.clone()],
            namespaced: kind.namespaced,
            status: true,
        };
        target.served.insert(kind.group_resource(), served);
    }
    let rules = Rules::new(request, census, target);
    let mut needs = Needs::default();
    for at in 0..objects.len() {
        needs.note(&rules, &source(at), action).unwrap();
    }
    needs
}

fn verbs(needs: &Needs) -> Vec<String> {
    let text = |(need, wanted): (&Need, &Wanted)| {
        let sub = need.subresource.map(|sub| format!("/{sub}")).unwrap_or_default();
        format!(
            "{} {}{sub} {}{}",
            need.verb,
            need.resource,
            wanted.count,
            if wanted.must { "" } else { " perhaps" }
        )
    };
    needs.iter().map(text).collect()
}

fn grants(rules: &str) -> Grants {
    Grants::of(format!(r#"{{"status":{{"resourceRules":{rules},"nonResourceRules":[]}}}}"#).as_bytes())
        .unwrap()
}

#[test]
fn what_is_created_needs_create_and_what_follows_needs_patches() {
    let maps = kind("", "configmaps", "ConfigMap", true);
    let plain = [
        r#"{"metadata":{"name":"a","namespace":"n","managedFields":[{"manager":"m","operation":"Update"}]}}"#,
        r#"{"metadata":{"name":"b","namespace":"n"}}"#,
    ];
    let plain = needs(&plain.map(|object| (&maps, object)), Action::Created);
    assert_eq!(verbs(&plain), ["create configmaps 2", "get configmaps 2 perhaps"]);

    let shared =
        r#"{"metadata":{"name":"a","namespace":"n","managedFields":[{"manager":"m","operation":"Apply"}]}}"#;
    let shared = needs(&[(&maps, shared)], Action::Created);
    assert!(verbs(&shared).contains(&"patch configmaps 1".to_owned()), "{:?}", verbs(&shared));

    let widgets = kind("example.com", "widgets", "Widget", true);
    let status = r#"{"metadata":{"name":"a","namespace":"n"},"status":{"ready":true}}"#;
    let status = needs(&[(&widgets, status)], Action::Created);
    assert!(
        verbs(&status).contains(&"patch widgets.example.com/status 1".to_owned()),
        "{:?}",
        verbs(&status)
    );
}

#[test]
fn an_owner_is_looked_up_and_one_whose_deletion_is_held_up_may_need_update_of_its_finalizers() {
    let maps = kind("", "configmaps", "ConfigMap", true);
    let owned = r#"{"metadata":{"name":"a","namespace":"n","ownerReferences":[
        {"apiVersion":"v1","kind":"ConfigMap","name":"o","uid":"1","blockOwnerDeletion":true}]}}"#;
    let owned = needs(&[(&maps, owned)], Action::Created);
    let expected = [
        "create configmaps 1",
        "get configmaps 2",
        "list configmaps 1",
        "patch configmaps 1",
        "update configmaps/finalizers 1 perhaps",
    ];
    assert_eq!(verbs(&owned), expected);
}

#[test]
fn each_way_to_change_what_is_there_needs_its_own_verbs() {
    let maps = kind("", "configmaps", "ConfigMap", true);
    let object = r#"{"metadata":{"name":"a","namespace":"n"}}"#;
    let of = |action| verbs(&needs(&[(&maps, object)], action));
    assert_eq!(of(Action::Updated), ["get configmaps 1", "update configmaps 1"]);
    assert_eq!(of(Action::Replaced), ["create configmaps 1", "delete configmaps 1", "get configmaps 1"]);
    assert_eq!(of(Action::Merged), ["get configmaps 1", "patch configmaps 1"]);
    assert!(of(Action::Same).is_empty() && of(Action::Differs).is_empty());
}

#[test]
fn a_rule_for_some_names_is_enough_if_no_other_is_acted_on() {
    let maps = kind("", "configmaps", "ConfigMap", true);
    let object = r#"{"metadata":{"name":"a","namespace":"n"}}"#;
    let needs = needs(&[(&maps, object)], Action::Updated);
    let allows = |names: &str| {
        let grants = grants(&format!(
            r#"[{{"verbs":["get","update"],"apiGroups":[""],"resources":["configmaps"],"resourceNames":{names}}}]"#
        ));
        needs.iter().all(|(need, wanted)| wanted.allowed(need, &grants))
    };
    assert!(allows(r#"["a","b"]"#) && allows("[]") && !allows(r#"["b"]"#));
}

#[test]
fn roles_beyond_what_the_caller_holds_need_escalate_and_bindings_to_them_bind() {
    let roles = kind("rbac.authorization.k8s.io", "roles", "Role", true);
    let cluster = kind("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", false);
    let bindings = kind("rbac.authorization.k8s.io", "rolebindings", "RoleBinding", true);
    let role = |name: &str, verb: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"n"}},"rules":[{{"verbs":["{verb}"],"apiGroups":[""],"resources":["pods"]}}]}}"#
        )
    };
    let binding = |name: &str, kind: &str, role: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"n"}},"roleRef":{{"kind":"{kind}","name":"{role}"}}}}"#
        )
    };
    let (mine, theirs) = (role("mine", "get"), role("theirs", "delete"));
    let all = r#"{"metadata":{"name":"all"},"aggregationRule":{"clusterRoleSelectors":[]},"rules":null}"#;
    let (to_mine, to_theirs) = (binding("b1", "Role", "mine"), binding("b2", "Role", "theirs"));
    let (to_view, to_edit) = (binding("b3", "ClusterRole", "view"), binding("b4", "ClusterRole", "edit"));
    let mut needs = needs(
        &[
            (&roles, &mine),
            (&roles, &theirs),
            (&cluster, all),
            (&bindings, &to_mine),
            (&bindings, &to_theirs),
            (&bindings, &to_view),
            (&bindings, &to_edit),
        ],
        Action::Created,
    );
    let names: Vec<String> = needs.roles_to_look_up().into_iter().map(|role| role.name).collect();
    assert_eq!(names, ["edit", "view"]);
    let key = |name: &str| ObjectKey { resource: CLUSTER_ROLES.into(), namespace: None, name: name.into() };
    let rules = |verb: &str| rules_of(role("x", verb).as_bytes()).unwrap();
    let live = BTreeMap::from([(key("view"), rules("get"))]);
    let (own, nothing) =
        (grants(r#"[{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}]"#), Grants::default());
    needs.note_roles(|at| if at.is_some() { &own } else { &nothing }, &live);
    let beyond: Vec<String> = verbs(&needs)
        .into_iter()
        .filter(|verb| verb.starts_with("escalate") || verb.starts_with("bind"))
        .collect();
    assert_eq!(
        beyond,
        [
            // The role `edit`, of which nothing is known.
            format!("bind {CLUSTER_ROLES} 1"),
            format!("bind {ROLES} 1"),
            format!("escalate {CLUSTER_ROLES} 1"),
            format!("escalate {ROLES} 1"),
        ]
    );
}

#[test]
fn what_is_not_allowed_is_one_finding_for_each_verb_and_resource_with_a_command_that_asks_again() {
    let maps = kind("", "configmaps", "ConfigMap", true);
    let object = |namespace: usize| format!(r#"{{"metadata":{{"name":"a","namespace":"n{namespace}"}}}}"#);
    let objects: Vec<String> = (0..7).map(object).collect();
    let objects: Vec<(&ResourceType, &str)> = objects.iter().map(|object| (&maps, object.as_str())).collect();
    let needs = needs(&objects, Action::Created);
    let lacks: Vec<Lack<'_>> = needs.iter().collect();
    let findings = not_allowed(&lacks);
    assert_eq!(findings.len(), 2);
    let create = &findings[0];
    assert!(create.evidence.contains("n0, n1, n2, n3, n4 and 2 more"), "{}", create.evidence);
    assert!(create.evidence.contains("needed 7 times"), "{}", create.evidence);
    assert_eq!(create.command.as_deref(), Some("kubectl auth can-i create configmaps --namespace n0"));
    assert!(create.severity.counts() && !findings[1].severity.counts());
    assert_eq!(findings[1].command.as_deref(), Some("kubectl auth can-i get configmaps/a --namespace n0"));
}
