use super::super::pod::read;
use super::*;

/// The checks that a pod does not pass.
fn refused(level: Level, minor: u32, metadata: &str, spec: &str) -> Vec<&'static str> {
    let json = format!(r#"{{"metadata":{metadata},"spec":{spec}}}"#);
    let pod = read("pods", json.as_bytes()).unwrap().expect("a pod that can be read");
    let enforced = Enforced { level, minor: None };
    enforced.refuses(minor, &pod).into_iter().map(|one| one.check).collect()
}

/// A container that passes every check.
const HARD: &str = r#"{"name":"a","securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"],"add":["NET_BIND_SERVICE"]}}}"#;
/// Settings of a pod that passes every check.
const SAFE: &str = r#"{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}"#;

fn hard(change: &str) -> String {
    format!(r#"{{"securityContext":{SAFE},"containers":[{HARD}]{change}}}"#)
}

#[test]
fn a_hardened_pod_passes_every_level() {
    let spec = hard(
        r#","volumes":[{"name":"v","emptyDir":{}},{"name":"p","persistentVolumeClaim":{"claimName":"x"}}],"hostNetwork":false"#,
    );
    for level in [Level::Privileged, Level::Baseline, Level::Restricted] {
        for minor in [18, 24, 30, 36, 99] {
            assert!(refused(level, minor, "{}", &spec).is_empty(), "{level:?} {minor}");
        }
    }
}

#[test]
fn a_pod_that_says_nothing_is_baseline_and_not_restricted() {
    let spec = r#"{"containers":[{"name":"a"}]}"#;
    assert!(refused(Level::Baseline, 36, "{}", spec).is_empty());
    assert_eq!(
        refused(Level::Restricted, 36, "{}", spec),
        ["allowPrivilegeEscalation", "capabilities_restricted", "runAsNonRoot", "seccompProfile_restricted"]
    );
    // As of old policies less is asked for.
    assert_eq!(refused(Level::Restricted, 18, "{}", spec), ["allowPrivilegeEscalation", "runAsNonRoot"]);
}

#[test]
fn each_way_to_the_node_is_no_baseline() {
    let with = |context: &str| format!(r#"{{"containers":[{{"name":"a","securityContext":{context}}}]}}"#);
    let of_pod = |context: &str| format!(r#"{{"containers":[{{"name":"a"}}],"securityContext":{context}}}"#);
    for (check, spec) in [
        ("privileged", with(r#"{"privileged":true}"#)),
        ("capabilities_baseline", with(r#"{"capabilities":{"add":["NET_ADMIN"]}}"#)),
        ("procMount", with(r#"{"procMount":"Unmasked"}"#)),
        ("seLinuxOptions", with(r#"{"seLinuxOptions":{"user":"u"}}"#)),
        ("seLinuxOptions", of_pod(r#"{"seLinuxOptions":{"type":"spc_t"}}"#)),
        ("seccompProfile_baseline", with(r#"{"seccompProfile":{"type":"Unconfined"}}"#)),
        ("appArmorProfile", of_pod(r#"{"appArmorProfile":{"type":"Unconfined"}}"#)),
        ("sysctls", of_pod(r#"{"sysctls":[{"name":"kernel.msgmax","value":"1"}]}"#)),
        ("windowsHostProcess", of_pod(r#"{"windowsOptions":{"hostProcess":true}}"#)),
        ("hostNamespaces", r#"{"containers":[],"hostPID":true}"#.to_owned()),
        (
            "hostPathVolumes",
            r#"{"containers":[],"volumes":[{"name":"v","hostPath":{"path":"/"}}]}"#.to_owned(),
        ),
        (
            "hostPorts",
            r#"{"containers":[],"initContainers":[{"name":"i","ports":[{"hostPort":80}]}]}"#.to_owned(),
        ),
        (
            "hostProbesAndHostLifecycle",
            r#"{"containers":[{"name":"a","livenessProbe":{"httpGet":{"host":"10.0.0.1"}}}]}"#.to_owned(),
        ),
    ] {
        assert_eq!(refused(Level::Baseline, 36, "{}", &spec), [check], "{spec}");
        assert!(refused(Level::Privileged, 36, "{}", &spec).is_empty());
    }
    let annotated = r#"{"annotations":{"container.apparmor.security.beta.kubernetes.io/a":"unconfined"}}"#;
    assert_eq!(refused(Level::Baseline, 36, annotated, r#"{"containers":[]}"#), ["appArmorProfile"]);
}

#[test]
fn what_only_the_restricted_level_forbids() {
    let with = |context: &str| {
        format!(
            r#"{{"securityContext":{SAFE},"containers":[{{"name":"a","securityContext":{{"allowPrivilegeEscalation":false,"capabilities":{{"drop":["ALL"]}},{context}}}}}]}}"#
        )
    };
    for (check, spec) in [
        ("runAsUser", with(r#""runAsUser":0"#)),
        ("runAsNonRoot", with(r#""runAsNonRoot":false"#)),
        ("seccompProfile_restricted", with(r#""seccompProfile":{"type":"Unconfined"}"#)),
        ("restrictedVolumes", hard(r#","volumes":[{"name":"v","nfs":{"server":"s","path":"/"}}]"#)),
        ("restrictedVolumes", hard(r#","volumes":[{"name":"v","hostPath":{"path":"/"}}]"#)),
        ("procMount_restricted", with(r#""procMount":"Unmasked""#)),
    ] {
        assert_eq!(refused(Level::Restricted, 36, "{}", &spec), [check], "{spec}");
    }
}

#[test]
fn a_check_is_as_old_as_the_policy_that_a_namespace_pins() {
    let sysctl =
        r#"{"containers":[],"securityContext":{"sysctls":[{"name":"net.ipv4.tcp_rmem","value":"1"}]}}"#;
    assert_eq!(refused(Level::Baseline, 31, "{}", sysctl), ["sysctls"]);
    assert!(refused(Level::Baseline, 32, "{}", sysctl).is_empty());
    let probe = r#"{"containers":[{"name":"a","lifecycle":{"preStop":{"tcpSocket":{"host":"h"}}}}]}"#;
    assert!(refused(Level::Baseline, 33, "{}", probe).is_empty());
    let root = hard("").replace(r#""runAsNonRoot":true"#, r#""runAsUser":0,"runAsNonRoot":true"#);
    assert!(refused(Level::Restricted, 22, "{}", &root).is_empty());
    // With users of its own the pod's root is nobody outside, since 1.35.
    let users = hard(r#","hostUsers":false"#).replace(r#""runAsNonRoot":true"#, r#""runAsUser":0"#);
    assert!(refused(Level::Restricted, 35, "{}", &users).is_empty());
    assert_eq!(refused(Level::Restricted, 34, "{}", &users), ["runAsNonRoot", "runAsUser"]);
    let windows =
        r#"{"os":{"name":"windows"},"securityContext":{"runAsNonRoot":true},"containers":[{"name":"a"}]}"#;
    assert!(refused(Level::Restricted, 25, "{}", windows).is_empty());
    let alpha = r#"{"annotations":{"seccomp.security.alpha.kubernetes.io/pod":"unconfined"}}"#;
    assert_eq!(refused(Level::Baseline, 18, alpha, r#"{"containers":[]}"#), ["seccompProfile_baseline"]);
}

#[test]
fn labels_say_what_is_enforced() {
    let of = |labels: &[(&str, &'static str)]| {
        Enforced::of(|key| {
            let found = labels.iter().find(|(name, _)| key == format!("pod-security.kubernetes.io/{name}"));
            found.map(|(_, value)| (*value).into())
        })
    };
    assert_eq!(of(&[]), Enforced { level: Level::Privileged, minor: None });
    let baseline = of(&[("enforce", "baseline"), ("enforce-version", "v1.29")]);
    assert_eq!(baseline, Enforced { level: Level::Baseline, minor: Some(29) });
    assert_eq!(of(&[("enforce", "strict"), ("enforce-version", "latest")]).level, Level::Restricted);
}
